using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Host.Checks;
using Contingious.Engine.Model;

namespace Contingious.Tests.Host;

public sealed class DoctorTests
{
    [Fact]
    public async Task A_host_with_nothing_on_it_has_a_remedy_for_each_finding()
    {
        using var host = FakeHost.Hybrid();

        var findings = (await host.DoctorAsync()).Examine();

        Assert.Contains(findings, finding => finding.Severity == Severity.Fatal && finding.Remedy == "sudo apt-get install crun");
        Assert.Contains(findings, finding => finding.Severity == Severity.Fatal && finding.Remedy == "sudo apt-get install uidmap");
        Assert.Contains(findings, finding => finding.Severity == Severity.Notice && finding.Remedy == "sudo apt-get install skopeo");
        Assert.Contains(findings, finding => finding is { Severity: Severity.Fatal, Check: "account", Remedy: "sudo contingious setup" });
        AssertEachHasARemedy(findings);
    }

    [Fact]
    public async Task What_setup_mends_names_setup_with_the_account()
    {
        using var host = FakeHost.Hybrid();

        var findings = (await host.DoctorAsync(FakeHost.Ordinary)).Examine();

        foreach (var check in (string[])["subordinate ids", "cgroups", "directories", "network"])
        {
            Assert.Contains(findings, finding => finding.Check == check && finding.Remedy == "sudo contingious setup --account teacher");
        }

        AssertEachHasARemedy(findings);
    }

    [Fact]
    [Trait("Needs", "root")]
    public async Task A_host_that_was_set_up_has_no_fatal_finding_and_is_ready()
    {
        RootOnly.Require();
        using var host = FakeHost.Hybrid();
        host.InstallPrograms();
        await (await host.SetupAsync()).ApplyAsync(_ => { }, CancellationToken.None);
        foreach (var hierarchy in Directory.EnumerateDirectories(host.At("/sys/fs/cgroup"))) MakeOwned(host, Path.Combine(hierarchy, "contingious/cgroup.procs"));
        var doctor = await host.DoctorAsync();

        Assert.DoesNotContain(doctor.Examine(), finding => finding.Severity is Severity.Fatal or Severity.Warning);
        doctor.RequireReady();
    }

    [Fact]
    public async Task A_host_that_is_not_ready_is_refused_with_each_fatal_finding_and_its_remedy()
    {
        using var host = FakeHost.Hybrid();
        var doctor = await host.DoctorAsync(FakeHost.Ordinary);

        var refusal = Assert.Throws<HostNotReadyException>(doctor.RequireReady);

        foreach (var finding in doctor.Examine())
        {
            Assert.Equal(finding.Severity == Severity.Fatal, refusal.Message.Contains($"{finding.Message} Mend it with: {finding.Remedy}", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("/proc/sys/user/max_user_namespaces", "0\n", Severity.Fatal, "sudo sysctl -w user.max_user_namespaces=28633")]
    [InlineData("/proc/sys/kernel/unprivileged_userns_clone", "0\n", Severity.Fatal, "sudo sysctl -w kernel.unprivileged_userns_clone=1")]
    [InlineData("/proc/sys/kernel/osrelease", "5.10.0-33-amd64\n", Severity.Fatal, "sudo apt-get install linux-image-amd64, and boot it")]
    [InlineData("/proc/sys/kernel/osrelease", "nonsense\n", Severity.Notice, "uname -r")]
    [InlineData("/proc/sys/kernel/core_pattern", "|/usr/share/apport/apport -p%p\n", Severity.Notice, "sudo sysctl -w kernel.core_pattern=core")]
    [InlineData("/proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2\n", Severity.Warning, "sudo swapoff -a, or boot with swapaccount=1")]
    [InlineData("/proc/self/mountinfo", "1 0 254:0 / / rw - ext4 /dev/vda rw\n", Severity.Fatal, "sudo mount -t cgroup2 none /sys/fs/cgroup")]
    public async Task A_kernel_setting_that_is_in_the_way_is_found_and_mended_by_one_command(string path, string content, Severity severity, string remedy)
    {
        using var host = FakeHost.Hybrid();
        Assert.DoesNotContain((await host.DoctorAsync()).Examine(), finding => finding.Remedy == remedy);

        host.Write(path, content);

        Assert.Contains((await host.DoctorAsync()).Examine(), finding => finding.Severity == severity && finding.Remedy == remedy);
    }

    [Fact]
    public async Task Swap_that_the_cgroups_count_is_no_matter()
    {
        using var host = FakeHost.Hybrid();
        host.Write("/proc/swaps", "Filename\n/dev/sda2 partition 1 0 -2\n");
        host.Write("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes", "1\n");

        Assert.Contains((await host.DoctorAsync()).Examine(), finding => finding is { Check: "swap", Severity: Severity.Ok });
    }

    [Fact]
    public async Task A_controller_that_is_mounted_nowhere_is_fatal()
    {
        using var host = FakeHost.Hybrid();
        var mounts = host.Root.Lines("/proc/self/mountinfo").Where(line => !line.Contains("freezer", StringComparison.Ordinal));
        host.Write("/proc/self/mountinfo", string.Join('\n', mounts));

        var findings = (await host.DoctorAsync(FakeHost.Ordinary)).Examine();

        Assert.Contains(findings, finding => finding is { Check: "cgroups", Severity: Severity.Fatal } && finding.Message.StartsWith("The freezer controller", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_program_that_has_lost_its_setuid_bit_is_fatal()
    {
        using var host = FakeHost.Hybrid();
        host.InstallPrograms();
        File.SetUnixFileMode(host.At("/usr/bin/newuidmap"), UnixFileMode.UserRead | UnixFileMode.UserExecute);

        Assert.Contains((await host.DoctorAsync()).Examine(), finding => finding.Severity == Severity.Fatal && finding.Remedy.EndsWith("chmod u+s " + host.At("/usr/bin/newuidmap"), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_check_that_cannot_be_made_is_a_notice_and_the_others_go_on()
    {
        using var host = FakeHost.Hybrid();
        File.Delete(host.At("/etc/subuid"));
        host.MakeDirectory("/etc/subuid");

        var findings = (await host.DoctorAsync(FakeHost.Ordinary)).Examine();

        Assert.Contains(findings, finding => finding is { Check: "account", Severity: Severity.Notice, Remedy: "sudo contingious doctor --account teacher" });
        Assert.Contains(findings, finding => finding.Check == "kernel");
        AssertEachHasARemedy(findings);
    }

    [Fact]
    public async Task K4_Too_few_subordinate_ids_are_refused_before_anything_starts_and_by_name()
    {
        using var host = FakeHost.Hybrid();
        var doctor = await host.DoctorAsync(FakeHost.Ordinary);

        Assert.Contains(doctor.Examine(), finding => finding is { Check: "subordinate ids", Severity: Severity.Fatal, Remedy: "sudo contingious setup --account teacher" });
        Assert.Contains("65536 ids; ", Assert.Throws<HostNotReadyException>(doctor.RequireReady).Message);
    }

    [Fact]
    public async Task Root_is_no_account_for_sandboxes()
    {
        using var host = FakeHost.Hybrid();

        Assert.Contains((await host.DoctorAsync("root")).Examine(), finding => finding is { Check: "account", Severity: Severity.Fatal });
    }

    [Fact]
    public async Task A_disk_that_is_nearly_full_is_warned_of()
    {
        using var host = FakeHost.Hybrid();
        host.MakeDirectory("/var/lib/contingious-teacher");
        var account = HostAccounts.FindLocal(FakeHost.Ordinary, host.Root);

        var plenty = new Doctor(host.Root, FakeHost.Ordinary, account) { LeastFreeSpace = new ByteSize(1) };
        var little = new Doctor(host.Root, FakeHost.Ordinary, account) { LeastFreeSpace = new ByteSize(long.MaxValue) };

        Assert.Contains(plenty.Examine(), finding => finding is { Check: "disk", Severity: Severity.Ok });
        Assert.Contains(little.Examine(), finding => finding is { Check: "disk", Severity: Severity.Warning, Remedy.Length: > 0 });
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Under_systemd_an_ordinary_account_needs_its_own_systemd_with_the_controllers()
    {
        using var host = FakeHost.Systemd();

        var findings = (await host.DoctorAsync(FakeHost.Ordinary)).Examine();

        Assert.Contains(findings, finding => finding is { Check: "cgroups", Severity: Severity.Fatal, Remedy: "sudo contingious setup --account teacher && sudo systemctl start user@1234" });
    }

    [Fact]
    [Trait("Needs", "root")]
    public async Task A_delegated_v2_cgroup_must_have_the_controllers_that_verdicts_come_from()
    {
        RootOnly.Require();
        using var host = FakeHost.Unified();
        MakeOwned(host, host.At("/sys/fs/cgroup/contingious-teacher/cgroup.procs"));
        File.WriteAllText(host.At("/sys/fs/cgroup/contingious-teacher/cgroup.controllers"), "cpu pids\n");
        Assert.Contains((await host.DoctorAsync(FakeHost.Ordinary)).Examine(), finding => finding is { Check: "cgroups", Severity: Severity.Fatal } && finding.Message.EndsWith("lacks the controllers memory.", StringComparison.Ordinal));

        File.WriteAllText(host.At("/sys/fs/cgroup/contingious-teacher/cgroup.controllers"), "cpu cpuset io memory pids\n");
        Assert.All((await host.DoctorAsync(FakeHost.Ordinary)).Examine().Where(finding => finding.Check == "cgroups"), finding => Assert.Equal(Severity.Ok, finding.Severity));
    }

    [Theory]
    [InlineData("1.8.1", new[] { Severity.Notice })]
    [InlineData("1.18.2", new[] { Severity.Notice })]
    [InlineData("1.19", new[] { Severity.Warning, Severity.Notice })]
    [InlineData("1.26.9", new[] { Severity.Warning, Severity.Notice })]
    [InlineData("1.27.1", new[] { Severity.Notice })]
    [InlineData("1.28", new Severity[0])]
    public void What_is_known_of_a_version_of_crun_is_told(string version, Severity[] expected) =>
        Assert.Equal(expected, KnownWeaknesses.Of("crun", Version.Parse(version)).Select(finding => finding.Severity));

    [Fact]
    public async Task Versions_are_asked_for_only_in_the_full_examination()
    {
        using var host = FakeHost.Hybrid();
        host.Write("/usr/bin/crun", "#!/bin/sh\necho crun version 1.20\n");
        File.SetUnixFileMode(host.At("/usr/bin/crun"), (UnixFileMode)0x1ED);
        var doctor = await host.DoctorAsync();

        Assert.DoesNotContain(doctor.Examine(), finding => finding.Check == "versions");
        var findings = await doctor.ExamineAsync(CancellationToken.None);
        Assert.Contains(findings, finding => finding is { Check: "versions", Message: "crun is version 1.20." });
        AssertEachHasARemedy(findings);
    }

    private static void AssertEachHasARemedy(IEnumerable<Finding> findings) =>
        Assert.All(findings, finding =>
        {
            Assert.Equal(finding.Severity == Severity.Ok, finding.Remedy.Length == 0);
            Assert.EndsWith(".", finding.Message, StringComparison.Ordinal);
        });

    private static void MakeOwned(FakeHost host, string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file) ?? "/");
        File.WriteAllText(file, "");
        var account = HostAccounts.FindLocal(file.Contains(FakeHost.Ordinary, StringComparison.Ordinal) ? FakeHost.Ordinary : "contingious", host.Root);
        Assert.NotNull(account);
        using var directory = Contingious.Engine.Linux.DirectoryHandle.Open(Path.GetDirectoryName(file) ?? "/");
        directory.SetOwner("cgroup.procs"u8, account.Uid, account.Gid);
        directory.SetOwner(account.Uid, account.Gid);
    }
}
