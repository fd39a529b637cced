using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>What a program can see, read and write of the machine that it is on.</summary>
[Trait("Needs", "keeper")]
public sealed class ViewTests(EngineFixture engine)
{
    private const string Status = "grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/self/status";

    // Made by the engine or by crun for each sandbox, and nobody else's.
    private static readonly string[] own = ["/proc", "/dev", "/sys", "/.contingious", "/io", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/passwd", "/etc/group"];

    [Fact]
    public async Task C2_No_link_below_proc_leads_out_of_the_container()
    {
        var report = await engine.ShellAsync("""
            ls -id / /.. /proc/self/root/ /proc/self/root/.. /proc/self/cwd/../../.. | awk '{print $1}' | sort -u | wc -l
            for pid in /proc/[0-9]*; do ls -l $pid/fd 2>/dev/null | sed -n 's/.* -> //p'; done | grep -vE '^(pipe|socket|anon_inode):|^/dev/(null|pts/.*)$|^/proc/' | sort -u
            """);
        Assert.Equal("1\n", report.RequireOk());
    }

    [Fact]
    public async Task C3_The_kernel_s_settings_cannot_be_written_not_even_by_root_of_the_container()
    {
        const string script = """
            for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /proc/sys/kernel/modprobe /proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/1/oom_score_adj; do
                (echo 1 >$file) 2>/dev/null && echo "wrote $file"
            done
            (echo -1000 >/proc/self/oom_score_adj) 2>/dev/null && echo "escaped the OOM killer"
            ls /sys 2>/dev/null | head -n 1
            echo tried
            """;
        foreach (var user in new[] { "1000", "0" })
        {
            var report = await engine.RunAsync(["sh", "-c", script], step => step with { User = user }, request => request with { Root = user == "0" });
            Assert.DoesNotContain("wrote /proc/sys", report.RequireOk());
            Assert.DoesNotContain("wrote /proc/irq", report.Stdout());
            Assert.DoesNotContain("escaped", report.Stdout());
            Assert.EndsWith("tried\n", report.Stdout());
        }
    }

    [Theory]
    [InlineData("kcore")]
    [InlineData("keys")]
    [InlineData("key-users")]
    [InlineData("locks")]
    [InlineData("kallsyms")]
    [InlineData("kmsg")]
    [InlineData("modules")]
    [InlineData("cmdline")]
    [InlineData("interrupts")]
    [InlineData("softirqs")]
    [InlineData("timer_list")]
    [InlineData("sched_debug")]
    [InlineData("schedstat")]
    [InlineData("latency_stats")]
    [InlineData("acpi")]
    [InlineData("scsi")]
    public async Task C3_What_proc_tells_of_the_host_and_of_neighbours_is_empty(string name)
    {
        var report = await engine.RunAsync(["sh", "-c", $"cd /proc; ls -A {name}/ 2>/dev/null | head -n 3; head -c 100 {name} 2>/dev/null; true"], job: request => request with { Root = true });
        Assert.Equal("", report.RequireOk());
    }

    [Fact]
    public async Task C16_E6_A_program_has_no_capability_in_run_and_none_in_exec()
    {
        string[] expected = ["CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"];
        var report = await engine.ShellAsync(Status);
        report.RequireOk();
        Assert.Equal(expected, report.Lines());

        var id = engine.NewId();
        var running = engine.RunAsync(["sleep", "30"], job: request => request with { Id = id });
        var further = await Submission.ExecAsync(id, "sh", "-c", $"{Status}; kill $(pidof sleep)");
        Assert.Equal(expected, further.Stdout.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await running;
    }

    [Fact]
    public async Task C19_Everything_that_can_be_listed_is_of_the_image_or_of_this_sandbox()
    {
        await engine.EngineAsync();
        using var lease = new ImageStore(engine.Layout.ImagesDirectory).Lease(EngineFixture.ImageName);
        var neighbour = engine.ShellAsync("echo secret >/work/of-a-neighbour; echo secret >/tmp/of-a-neighbour; sleep 2");
        var report = await engine.ShellAsync("sleep 1; find / \\( -path /proc -o -path /dev \\) -prune -o -print 2>/dev/null; true", Limits.Default with { Stdout = ByteSize.FromMiB(8) });
        report.RequireOk();
        var image = lease.Image;
        var known = Tree(image.EditableDirectory).Concat(Tree(image.ReadOnlyDirectory)).ToHashSet(StringComparer.Ordinal);
        var strange = report.Lines().Where(path => path != "/" && !known.Contains(path) && !own.Any(prefix => path == prefix || path.StartsWith($"{prefix}/", StringComparison.Ordinal)));
        Assert.Equal([], strange);
        (await neighbour).RequireOk();
    }

    [Fact]
    public async Task C19_The_table_of_mounts_names_no_other_sandbox()
    {
        var neighbour = engine.NewId();
        var running = engine.RunAsync(["sleep", "2"], job: request => request with { Id = neighbour });
        var report = await engine.ShellAsync("sleep 1; cat /proc/self/mountinfo /proc/self/cgroup /proc/net/unix");
        Assert.DoesNotContain(neighbour.Value, report.RequireOk());
        (await running).RequireOk();
    }

    [Fact]
    public async Task C20_The_environment_is_what_image_and_step_declare_and_nothing_else()
    {
        var report = await engine.RunAsync(["env"], step => step with { Env = new Dictionary<string, string> { ["DECLARED"] = "yes" } });
        report.RequireOk();
        Assert.Contains("DECLARED=yes", report.Lines());
        Assert.Equal([], report.Lines().Select(line => line.Split('=')[0]).Except(["DECLARED", "CONTINGIOUS", "LANG", "HOME", "PATH", "USER", "LOGNAME", "PWD", "HOSTNAME"]));
    }

    [Fact]
    public async Task C20_No_process_of_ours_that_a_job_runs_in_carries_the_broker_s_password()
    {
        var id = engine.NewId();
        var running = engine.RunAsync(["sleep", "30"], job: request => request with { Id = id });
        await Submission.ExecAsync(id, "true");
        var cgroup = CgroupHomes.Of(engine.Layout).Find(Sandbox.PlaceOf(engine.Layout, id.Value)) ?? throw new InvalidOperationException("The job has no cgroup.");
        var environments = cgroup.Pids().Select(pid => File.ReadAllText($"/proc/{pid}/environ")).ToList();
        Assert.NotEmpty(environments);
        Assert.All(environments, environment => Assert.DoesNotContain("amqp", environment, StringComparison.OrdinalIgnoreCase));
        await Submission.ExecAsync(id, "sh", "-c", "kill $(pidof sleep)");
        await running;
    }

    private static IEnumerable<string> Tree(string root) =>
        Directory.EnumerateFileSystemEntries(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true })
            .Select(path => path[root.Length..]);
}
