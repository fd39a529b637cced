using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Tests.Support;

namespace Contingious.Tests.Host;

/// <summary>Where a process is in cgroup v2, and what the doctor says of it.</summary>
public sealed class DelegatedUnitTests
{
    private const string Manager = "/sys/fs/cgroup/user.slice/user-1234.slice/user@1234.service";

    [Theory]
    [InlineData("0::/system.slice/contingious.service/main", "/system.slice/contingious.service/main")]
    [InlineData("0::/", "")]
    [InlineData("0::/../outside", null)]
    [InlineData("0::/gone (deleted)", null)]
    [InlineData("1:name=systemd:/x", null)]
    public void A_process_s_cgroup_is_told_by_the_line_of_the_unified_hierarchy(string line, string? path)
    {
        Assert.Equal(path, DelegatedUnit.PathOf(["12:pids:/elsewhere", line]));
    }

    [Fact]
    public async Task The_doctor_says_which_cgroups_the_service_uses_and_why()
    {
        using var host = FakeHost.Systemd();
        host.Write("/etc/systemd/system/contingious.service", "[Service]\nDelegate=yes\n");
        AddAccount(host, HostLayout.ServiceAccount, 995);
        var findings = (await host.DoctorAsync()).Examine().Where(finding => finding.Check == "cgroups").ToList();
        Assert.Contains(findings, finding => finding.Severity == Severity.Ok && finding.Message.Contains("(cgroupfs), because /etc/systemd/system/contingious.service delegates it", StringComparison.Ordinal));
        Assert.DoesNotContain(findings, finding => finding.Severity == Severity.Fatal);
    }

    [Theory]
    [InlineData("Delegate=no", null, true)]
    [InlineData("Type=notify", null, true)]
    [InlineData("Type=notify", "Delegate=cpu memory pids", false)]
    public async Task A_unit_that_delegates_nothing_is_refused_unless_a_drop_in_does(string unit, string? dropIn, bool isFatal)
    {
        using var host = FakeHost.Systemd();
        host.Write("/usr/lib/systemd/system/contingious.service", $"[Service]\n{unit}\n");
        if (dropIn is not null) host.Write("/etc/systemd/system/contingious.service.d/own.conf", $"[Service]\n{dropIn}\n");
        AddAccount(host, HostLayout.ServiceAccount, 995);
        var findings = (await host.DoctorAsync()).Examine();
        Assert.Equal(isFatal, findings.Any(finding => finding is { Check: "cgroups", Severity: Severity.Fatal, Remedy: "sudo contingious setup" }));
    }

    [Fact]
    [Trait("Needs", "root")]
    public async Task Controllers_that_are_missing_are_told_apart_by_what_rests_on_them()
    {
        RootOnly.Require();
        using var host = FakeHost.Systemd();
        host.Write($"{Manager}/cgroup.controllers", "memory pids\n");
        using (var manager = DirectoryHandle.Open(host.At(Path.GetDirectoryName(Manager) ?? "/"))) manager.SetOwner("user@1234.service"u8, FakeHost.OrdinaryUid, FakeHost.OrdinaryUid);
        Assert.Contains((await host.DoctorAsync(FakeHost.Ordinary)).Examine(), finding => finding is { Check: "cgroups", Severity: Severity.Fatal }
            && finding.Message.EndsWith("lacks the controllers cpu.", StringComparison.Ordinal) && finding.Remedy == "sudo contingious setup --account teacher && sudo systemctl restart user@1234");

        host.Write($"{Manager}/cgroup.controllers", "cpu memory pids\n");
        var findings = (await host.DoctorAsync(FakeHost.Ordinary)).Examine();
        Assert.Contains(findings, finding => finding is { Check: "cgroups", Severity: Severity.Notice } && finding.Message.Contains("lacks cpuset, io", StringComparison.Ordinal));
        Assert.Contains(findings, finding => finding is { Check: "cgroups", Severity: Severity.Warning, Remedy: "sudo loginctl enable-linger teacher" });
    }

    [Fact]
    public async Task A_kernel_without_some_file_is_told_with_what_is_done_instead()
    {
        using var host = FakeHost.Systemd();
        AddAccount(host, HostLayout.ServiceAccount, 995);
        foreach (var file in (string[])["memory.current", "pids.current", "memory.oom.group", "memory.swap.max", "cgroup.freeze", "cgroup.kill", "pids.peak", "cpu.pressure"])
        {
            host.Write($"/sys/fs/cgroup/system.slice/{file}", "0\n");
        }

        var findings = (await host.DoctorAsync()).Examine().Where(finding => finding.Check == "cgroup counters").ToList();
        Assert.Equal([Severity.Notice], findings.Select(finding => finding.Severity));
        Assert.Contains("no memory.peak (Linux 5.19)", findings[0].Message, StringComparison.Ordinal);
    }

    private static void AddAccount(FakeHost host, string name, int uid) =>
        host.Write("/etc/passwd", $"root:x:0:0::/root:/bin/sh\n{name}:x:{uid}:{uid}::/var/lib/{name}:/usr/sbin/nologin\n");
}
