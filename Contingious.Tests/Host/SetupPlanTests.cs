using Contingious.Engine;
using Contingious.Engine.Host;

namespace Contingious.Tests.Host;

public sealed class SetupPlanTests
{
    [Fact]
    public async Task A_hybrid_host_gets_an_account_ids_directories_and_a_cgroup_in_each_hierarchy()
    {
        using var host = FakeHost.Hybrid();

        Assert.Equal(
            [
                "create the system account contingious with home /var/lib/contingious and no login shell",
                "add contingious:965536:4259840 to /etc/subuid",
                "add contingious:965536:4259840 to /etc/subgid",
                "make the directory /var/lib/contingious: mode 0700, owner contingious",
                "make the directory /var/lib/contingious/images: mode 0711, owner contingious",
                "make the directory /var/lib/contingious/staging: mode 0700, owner contingious",
                "make the directory /run/contingious: mode 0711, owner contingious",
                "delegate the cgroup /sys/fs/cgroup/cpu,cpuacct/contingious to contingious",
                "delegate the cgroup /sys/fs/cgroup/cpuset/contingious to contingious",
                "delegate the cgroup /sys/fs/cgroup/memory/contingious to contingious",
                "delegate the cgroup /sys/fs/cgroup/pids/contingious to contingious",
                "delegate the cgroup /sys/fs/cgroup/freezer/contingious to contingious",
                "delegate the cgroup /sys/fs/cgroup/systemd/contingious to contingious",
                "delegate the cgroup /sys/fs/cgroup/unified/contingious to contingious",
                "make the directory /dev/net: mode 0755, owner root",
                "make the device /dev/net/tun, mode 0666",
            ],
            (await host.SetupAsync()).Plan().Select(action => action.Describe()));
    }

    [Fact]
    public async Task An_ordinary_account_keeps_the_ids_it_has_and_gets_what_is_missing()
    {
        using var host = FakeHost.Hybrid();

        var plan = (await host.SetupAsync(FakeHost.Ordinary)).Plan().Select(action => action.Describe()).ToList();

        Assert.Equal("add teacher:965536:4194304 to /etc/subuid", plan[0]);
        Assert.Equal("make the directory /var/lib/contingious-teacher: mode 0700, owner teacher", plan[2]);
        Assert.Contains("delegate the cgroup /sys/fs/cgroup/memory/contingious-teacher to teacher", plan);
        Assert.DoesNotContain(plan, line => line.Contains("create", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Only_the_file_that_lacks_ids_is_added_to()
    {
        using var host = FakeHost.Hybrid();
        host.Write("/etc/subuid", "1234:200000:4259840\n");

        var added = (await host.SetupAsync(FakeHost.Ordinary)).Plan().Select(action => action.Describe()).Where(line => line.StartsWith("add", StringComparison.Ordinal));

        Assert.Equal(["add teacher:4459840:4194304 to /etc/subgid"], added);
    }

    [Fact]
    public async Task A_v2_host_without_systemd_gets_the_controllers_it_has_and_one_cgroup()
    {
        using var host = FakeHost.Unified();

        var plan = (await host.SetupAsync()).Plan().Select(action => action.Describe()).ToList();

        Assert.Contains("enable cpu, cpuset, io, memory, pids in /sys/fs/cgroup/cgroup.subtree_control", plan);
        Assert.Equal(["delegate the cgroup /sys/fs/cgroup/contingious to contingious"], plan.Where(line => line.StartsWith("delegate", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_host_with_systemd_gets_a_service_for_the_service_account()
    {
        using var host = FakeHost.Systemd();

        var plan = (await host.SetupAsync()).Plan().Select(action => action.Describe()).ToList();

        Assert.Contains("write /etc/tmpfiles.d/contingious.conf", plan);
        Assert.Contains("write /etc/systemd/system/contingious.service and run systemctl daemon-reload", plan);
        Assert.DoesNotContain(plan, line => line.Contains("cgroup", StringComparison.Ordinal) || line.Contains("linger", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_with_systemd_gets_a_drop_in_and_lingering_for_an_ordinary_account()
    {
        using var host = FakeHost.Systemd();

        var plan = (await host.SetupAsync(FakeHost.Ordinary)).Plan().Select(action => action.Describe()).ToList();

        Assert.Contains("write /etc/tmpfiles.d/contingious-teacher.conf", plan);
        Assert.Contains("make the directory /etc/systemd/system/user@1234.service.d: mode 0755, owner root", plan);
        Assert.Contains("write /etc/systemd/system/user@1234.service.d/contingious.conf and run systemctl daemon-reload", plan);
        Assert.Contains("run loginctl enable-linger teacher", plan);
        Assert.Contains("write /etc/systemd/user/contingious-teacher.service", plan);
        Assert.DoesNotContain(plan, line => line.Contains("system/contingious.service", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_root_that_does_not_run_gets_what_lies_on_disk()
    {
        using var host = FakeHost.Hybrid();
        var setup = await Setup.OpenAsync(new SetupRequest { Root = host.Root, IsOffline = true }, CancellationToken.None);

        var whole = (await host.SetupAsync()).Plan().Select(action => action.Describe()).ToList();
        var lasting = setup.Plan().Select(action => action.Describe()).ToList();

        Assert.Equal(whole.Take(6), lasting);
        Assert.DoesNotContain(lasting, line => line.Contains("/run", StringComparison.Ordinal) || line.Contains("cgroup", StringComparison.Ordinal) || line.Contains("/dev", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_package_has_installed_is_not_written_again()
    {
        using var host = FakeHost.Systemd();
        foreach (var path in (string[])[SystemdFiles.PackagedServiceUnit, SystemdFiles.PackagedUserUnit, SystemdFiles.PackagedTmpfiles]) host.Write(path, "Delegate=yes\n");

        var service = (await host.SetupAsync()).Plan().Select(action => action.Describe()).ToList();
        var ordinary = (await host.SetupAsync(FakeHost.Ordinary)).Plan().Select(action => action.Describe()).ToList();

        Assert.DoesNotContain(service, line => line.Contains("/etc/systemd", StringComparison.Ordinal) || line.Contains("tmpfiles", StringComparison.Ordinal));
        Assert.Contains("make the directory /run/contingious: mode 0711, owner contingious", service);
        Assert.Contains("write /etc/tmpfiles.d/contingious-teacher.conf", ordinary);
        Assert.Contains("write /etc/systemd/system/user@1234.service.d/contingious.conf and run systemctl daemon-reload", ordinary);
        Assert.DoesNotContain(ordinary, line => line.Contains("/etc/systemd/user", StringComparison.Ordinal));
    }

    [Fact]
    public void A_unit_of_the_operator_holds_before_the_one_of_a_package()
    {
        using var host = FakeHost.Systemd();
        Assert.Null(SystemdFiles.HeldServiceUnit(host.Root));
        host.Write(SystemdFiles.PackagedServiceUnit, "");
        Assert.Equal(SystemdFiles.PackagedServiceUnit, SystemdFiles.HeldServiceUnit(host.Root));
        host.Write(SystemdFiles.ServiceUnit, "");
        Assert.Equal(SystemdFiles.ServiceUnit, SystemdFiles.HeldServiceUnit(host.Root));
    }

    [Fact]
    public async Task Planning_and_planning_to_undo_change_nothing()
    {
        foreach (var make in (Func<FakeHost>[])[FakeHost.Hybrid, FakeHost.Unified, FakeHost.Systemd])
        {
            using var host = make();
            var before = TreeSnapshot.Of(host.Root.Prefix);

            Assert.NotEmpty((await host.SetupAsync()).Plan());
            Assert.NotEmpty((await host.SetupAsync(FakeHost.Ordinary)).Plan());
            Assert.Empty((await host.SetupAsync()).PlanUndo());

            Assert.Equal(before, TreeSnapshot.Of(host.Root.Prefix));
        }
    }

    [Fact]
    public async Task An_account_that_is_missing_or_root_is_refused()
    {
        using var host = FakeHost.Hybrid();

        var missing = await Assert.ThrowsAsync<HostNotReadyException>(() => host.SetupAsync("nobody-here"));
        Assert.Contains("useradd", missing.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<HostNotReadyException>(() => host.SetupAsync("root"));
        await Assert.ThrowsAsync<HostNotReadyException>(() => host.SetupAsync("../etc"));
    }
}
