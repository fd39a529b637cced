using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Host;

/// <summary>Setup, doctor and undo on the running host, for an account that lives only as long as the test.</summary>
[Trait("Needs", "root")]
public sealed class SetupOnThisHostTests : IAsyncLifetime
{
    private const string Account = "ctgtest";

    public async ValueTask InitializeAsync()
    {
        RootOnly.Require();
        Assert.Null(HostAccounts.FindLocal(Account, HostRoot.Real));
        await ProgramRunner.RequireAsync(new ProgramRequest("useradd", "--no-create-home", Account), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (HostAccounts.FindLocal(Account, HostRoot.Real) is null) return;
        await (await OpenAsync()).UndoAsync(_ => { }, CancellationToken.None);
        await ProgramRunner.RequireAsync(new ProgramRequest("userdel", Account), CancellationToken.None);
    }

    [Fact]
    public async Task An_account_is_set_up_found_healthy_used_and_put_back_as_it_was()
    {
        var before = Snapshot();
        var setup = await OpenAsync();
        var planned = setup.Plan().Select(action => action.Describe()).ToList();
        Assert.Equal(before, Snapshot());

        var done = new List<string>();
        await setup.ApplyAsync(action => done.Add(action.Describe()), CancellationToken.None);
        Assert.Equal(planned, done);

        var once = Snapshot();
        await (await OpenAsync()).ApplyAsync(action => Assert.Fail($"It was done already: {action.Describe()}"), CancellationToken.None);
        Assert.Empty((await OpenAsync()).Plan());
        Assert.Equal(once, Snapshot());

        var doctor = await Doctor.ForAsync(Account, HostRoot.Real, CancellationToken.None);
        var findings = await doctor.ExamineAsync(CancellationToken.None);
        Assert.DoesNotContain(findings, finding => finding.Severity == Severity.Fatal);
        Assert.Contains(findings, finding => finding.Message.StartsWith("crun is version", StringComparison.Ordinal));
        doctor.RequireReady();

        await TheAccountUsesItsCgroupsAsync();
        await (await OpenAsync()).UndoAsync(_ => { }, CancellationToken.None);
        Assert.Equal(before, Snapshot());
        Assert.Empty((await OpenAsync()).PlanUndo());
    }

    [Fact]
    public async Task An_account_that_was_not_set_up_is_told_to_be()
    {
        var doctor = await Doctor.ForAsync(Account, HostRoot.Real, CancellationToken.None);

        var refusal = Assert.Throws<Contingious.Engine.HostNotReadyException>(doctor.RequireReady);

        Assert.Contains($"sudo contingious setup --account {Account}", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>Without root: makes a cgroup, joins it (which fails where cpuset is empty), and leaves one behind for undo to remove.</summary>
    private static async Task TheAccountUsesItsCgroupsAsync()
    {
        var mounts = CgroupMounts.Read();
        foreach (var mount in mounts.All)
        {
            var cgroup = $"{mount.Path}/contingious-{Account}";
            var cpuset = mount.Controllers.Contains("cpuset") ? "cat ../cpuset.cpus > cpuset.cpus; cat ../cpuset.mems > cpuset.mems;" : "";

            // Joining a v2 cgroup takes more than owning it: the cgroup above both must be one's own too.
            var join = mount.Unified ? "" : "(echo 0 > cgroup.procs && grep -q /left-behind /proc/self/cgroup)";
            var script = $"set -e; mkdir {cgroup}/left-behind; cd {cgroup}/left-behind; {cpuset} {join}";
            await ProgramRunner.RequireAsync(new ProgramRequest("runuser", "-u", Account, "--", "sh", "-c", script), CancellationToken.None);
        }
    }

    private static Task<Setup> OpenAsync() =>
        Setup.OpenAsync(new SetupRequest { Account = Account, Executable = "/usr/local/bin/contingious" }, CancellationToken.None);

    /// <summary>All that setup could touch here: the account's lines, the device, and whatever has the account's name.</summary>
    private static List<string> Snapshot()
    {
        var lines = new List<string>();
        foreach (var path in (string[])["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/subuid", "/etc/subgid"])
        {
            var status = HostRoot.Real.TryStatus(path);
            lines.Add($"{path} {status?.Permissions} {status?.Uid}:{status?.Gid}");

            // Other accounts may come and go meanwhile: the host is not the test's alone.
            lines.AddRange(HostRoot.Real.Lines(path).Where(line => line.StartsWith($"{Account}:", StringComparison.Ordinal)));
        }

        string[] places = ["/var/lib", "/run", .. CgroupMounts.Read().All.Select(mount => mount.Path)];
        lines.AddRange(places.SelectMany(Directory.EnumerateFileSystemEntries).Where(path => path.Contains(Account, StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        lines.Add($"/dev/net/tun {HostRoot.Real.TryStatus("/dev/net/tun")?.Permissions}");
        lines.Add($"record {File.Exists($"/var/lib/contingious-setup/contingious-{Account}.json")}");
        return lines;
    }
}
