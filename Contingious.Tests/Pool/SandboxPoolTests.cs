using System.Text;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Engine.Sandboxes;
using Contingious.Engine.Storage;
using Contingious.Tests.Hostile;
using Contingious.Tests.Support;

namespace Contingious.Tests.Pool;

/// <summary>Sandboxes that wait for jobs, on real crun.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class SandboxPoolTests(EngineFixture fixture)
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_job_is_run_in_one_that_waited_and_nobody_after_it()
    {
        var before = await BeforeAsync();
        await using (var engine = await OpenAsync(new PoolOptions { Most = 2 }))
        {
            Assert.False((await engine.RunAsync(Job("echo cold >/work/mine"), Cancellation)).Warm);
            var places = new HashSet<string>();
            for (var i = 0; i < 3; i++)
            {
                places.Add(await ParkedAsync());
                var report = await engine.RunAsync(Job("ls -A /work /tmp; id -u; echo mine >/work/mine"), Cancellation);
                Assert.Equal("/tmp:\n\n/work:\n1000\n", report.RequireOk());
                Assert.True(report.Warm);
            }

            Assert.Equal(3, places.Count);
        }

        Assert.Equal(before, HostFootprint.Take(fixture.Layout));
    }

    [Fact]
    public async Task A_job_s_own_limits_hold_in_one_that_was_made_before_they_were_known()
    {
        await using var engine = await OpenAsync(new PoolOptions { OnDemand = true });
        var limits = Limits.Default with { Memory = ByteSize.FromMiB(24), Disk = ByteSize.FromMiB(2), Inodes = 50, Processes = 9, FileSize = ByteSize.FromMiB(1), WallTime = TimeSpan.FromSeconds(60) };
        Assert.Equal(Outcome.MemoryLimit, await OutcomeAsync(engine, "awk 'BEGIN{s=\"x\"; while(1) s=s s}'", limits));
        Assert.Equal(Outcome.DiskLimit, await OutcomeAsync(engine, "for i in 1 2 3 4; do head -c 900000 /dev/zero >f$i || exit 1; done", limits));
        Assert.Equal(Outcome.DiskLimit, await OutcomeAsync(engine, "i=0; while [ $i -lt 200 ]; do i=$((i+1)); : >f$i || exit 7; done", limits));
        Assert.Equal(Outcome.WallTimeLimit, await OutcomeAsync(engine, "sleep 60", limits with { WallTime = TimeSpan.FromSeconds(1) }));
        Assert.Equal(Outcome.CpuTimeLimit, await OutcomeAsync(engine, "while :; do :; done", limits with { CpuTime = TimeSpan.FromSeconds(1) }));
        var forks = await engine.RunAsync(Job("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; echo all", limits), Cancellation);
        Assert.Contains("fork", Encoding.UTF8.GetString(forks.Steps[0].Stderr.Span), StringComparison.Ordinal);

        // And roomier ones than it was made with.
        var roomy = Limits.Default with { Cpus = Environment.ProcessorCount, Memory = ByteSize.FromMiB(512), Disk = ByteSize.FromMiB(200), FileSize = ByteSize.FromMiB(200), WallTime = TimeSpan.FromSeconds(60) };
        var report = await engine.RunAsync(Job("head -c 150000000 /dev/zero >big && ls -l big | awk '{print $5}'; ulimit -n", roomy), Cancellation);
        Assert.StartsWith("150000000\n", report.RequireOk());
        Assert.True(report.Warm);
    }

    [Fact]
    public async Task Whatever_an_argument_a_variable_or_a_file_s_name_holds_reaches_the_program()
    {
        await using var engine = await OpenAsync(new PoolOptions { OnDemand = true });
        const string odd = "a \"quoted\" 'word'\n$(touch /work/no)\t\\ \u00fcber \u2028 \U0001F600 %s ; #";
        var job = Job("") with
        {
            Files = [new InputFile("odd \"name'\n\\.txt", Encoding.UTF8.GetBytes("content"))],
            Steps = [new StepRequest { Name = "step", Args = ["sh", "-c", "printf '%s|%s|' \"$1\" \"$ODD\"; cat -- \"$2\"; ls -A | wc -l", "sh", odd, "odd \"name'\n\\.txt"], Env = new Dictionary<string, string> { ["ODD"] = odd } }],
        };
        var report = await engine.RunAsync(job, Cancellation);
        Assert.Equal($"{odd}|{odd}|content1\n", report.RequireOk());
        Assert.True(report.Warm);
    }

    [Fact]
    public async Task Further_steps_follow_in_the_same_rootfs_and_in_fresh_ones()
    {
        await using var engine = await OpenAsync(new PoolOptions { OnDemand = true });
        StepRequest Step(string name, string script, bool fresh = false) => new() { Name = name, Args = ["sh", "-c", script], Fresh = fresh };
        var job = Job("") with { Steps = [Step("build", "echo made >/work/made"), Step("test", "cat /work/made"), Step("clean", "ls /work", fresh: true)], Outputs = ["made"] };
        var report = await engine.RunAsync(job, Cancellation);
        Assert.Equal(["", "made\n", ""], report.Steps.Select(step => Encoding.UTF8.GetString(step.Stdout.Span)));
        Assert.Equal((Outcome.Ok, true), (report.Outcome, report.Warm));
    }

    [Fact]
    public async Task What_the_parked_shape_cannot_serve_is_made_to_measure_and_says_so()
    {
        await using var engine = await OpenAsync(new PoolOptions { OnDemand = true });
        var watched = await SandboxEngine.OpenAsync(fixture.Layout, TestedEngine.Options with { Pool = new PoolOptions { OnDemand = true }, Disk = new DiskPolicy { Backend = DiskBackend.Watched } }, TimeProvider.System, new ListLogger<SandboxEngine>());
        await using var second = watched;
        Assert.False((await watched.RunAsync(Job("true"), Cancellation)).Warm);
        Assert.True((await engine.RunAsync(Job("true"), Cancellation)).Warm);
    }

    [Fact]
    public async Task One_that_is_killed_while_it_waits_costs_the_job_nothing()
    {
        var before = await BeforeAsync();
        await using (var engine = await OpenAsync(new PoolOptions { Most = 2 }))
        {
            (await engine.RunAsync(Job("true"), Cancellation)).RequireOk();
            var place = await ParkedAsync();
            var cgroup = CgroupHomes.Of(fixture.Layout).Find(place)!;
            foreach (var pid in cgroup.Pids()) Cli.Signal(pid, 9);
            await UntilAsync(() => cgroup.Pids().Count == 0);
            var report = await engine.RunAsync(Job("echo here"), Cancellation);
            Assert.Equal("here\n", report.RequireOk());
        }

        Assert.Equal(before, HostFootprint.Take(fixture.Layout));
    }

    [Fact]
    public async Task They_go_when_nobody_wants_them_for_long()
    {
        var before = await BeforeAsync();
        await using var engine = await OpenAsync(new PoolOptions { Most = 2, Expiry = TimeSpan.FromSeconds(6) });
        (await engine.RunAsync(Job("true"), Cancellation)).RequireOk();
        await ParkedAsync();

        // The one for any job is made anew.
        await UntilAsync(() => Parked().Select(Processes).SequenceEqual([1]));
        await engine.DisposeAsync();
        Assert.Equal(before, HostFootprint.Take(fixture.Layout));
    }

    [Fact]
    public async Task They_go_when_their_image_goes_and_an_image_of_the_same_id_gets_its_own()
    {
        await fixture.ImportOtherImageAsync();
        await using var engine = await OpenAsync(new PoolOptions { Most = 2 });
        var job = Job("true") with { Image = EngineFixture.OtherImage };
        (await engine.RunAsync(job, Cancellation)).RequireOk();
        var first = await ParkedAsync();
        var removed = await Cli.RunAsync("image", "rm", EngineFixture.OtherImage);
        Assert.Equal(0, removed.ExitCode);
        await UntilAsync(() => !Parked().Contains(first));

        await fixture.ImportOtherImageAsync();
        var report = await engine.RunAsync(job with { Id = fixture.NewId() }, Cancellation);
        report.RequireOk();
        Assert.False(report.Warm);
        Assert.NotEqual(first, await ParkedAsync());
    }

    [Fact]
    public async Task They_are_nobody_s_sandboxes_to_list_or_to_enter()
    {
        await using var engine = await OpenAsync(new PoolOptions { Most = 2 });
        (await engine.RunAsync(Job("true"), Cancellation)).RequireOk();
        var place = await ParkedAsync();
        Assert.DoesNotContain(engine.List(), live => live.Name == place);
        await Assert.ThrowsAnyAsync<ContingiousException>(() => new LiveSandboxes(fixture.Layout, TimeProvider.System).ExecAsync(place, new SessionRequest { Args = ["true"], IsChild = true }, Cancellation));
    }

    [Fact]
    public async Task Those_of_a_living_engine_are_nobody_s_to_sweep()
    {
        var before = await BeforeAsync();
        var engine = await OpenAsync(new PoolOptions { Most = 2 });
        (await engine.RunAsync(Job("true"), Cancellation)).RequireOk();
        var place = await ParkedAsync();

        await using (await OpenAsync(PoolOptions.Off))
        {
        }

        Assert.Contains(place, Parked());
        await engine.DisposeAsync();
        Assert.Equal(before, HostFootprint.Take(fixture.Layout));
    }

    [Fact]
    public async Task Where_ids_run_out_one_that_waits_gives_way()
    {
        await using var engine = await OpenAsync(new PoolOptions { Most = 2 });
        (await engine.RunAsync(Job("true"), Cancellation)).RequireOk();
        await ParkedAsync();
        var held = new List<IdSlice>();
        try
        {
            _ = Assert.Throws<CapacityException>(() => LeaseAll(held));

            // Its shape is another one: it cannot take what waits.
            var report = await engine.RunAsync(Job("true") with { Root = true, Steps = [new StepRequest { Name = "step", Args = ["true"], User = "0" }] }, Cancellation);
            Assert.Equal((Outcome.Ok, false), (report.Outcome, report.Warm));
        }
        finally
        {
            foreach (var hold in held) hold.Dispose();
        }
    }

    private void LeaseAll(List<IdSlice> into)
    {
        while (true) into.Add(IdSlice.Lease(fixture.Layout));
    }

    private List<string> Parked() => [.. Directory.EnumerateDirectories(fixture.Layout.SandboxesDirectory).Select(path => Path.GetFileName(path)).Where(SandboxId.IsParked)];

    /// <summary>Waits until there is one with a container, and one for any job.</summary>
    /// <returns>That with a container.</returns>
    private async Task<string> ParkedAsync()
    {
        await UntilAsync(() => Parked().Select(Processes).Order().SequenceEqual([1, 2]));

        // It is on its shelf a moment after its init is there.
        await Task.Delay(100, Cancellation);
        return Parked().Single(place => Processes(place) == 2);
    }

    private int Processes(string place) => CgroupHomes.Of(fixture.Layout).Find(place)?.Pids().Count ?? 0;

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var waited = TimeSpan.Zero; !isSo(); waited += TimeSpan.FromMilliseconds(20))
        {
            Assert.True(waited < patience, "It did not come to be.");
            await Task.Delay(20, Cancellation);
        }
    }

    private async Task<IReadOnlyList<string>> BeforeAsync()
    {
        await fixture.SweepAsync();
        return HostFootprint.Take(fixture.Layout);
    }

    private async Task<SandboxEngine> OpenAsync(PoolOptions pool)
    {
        _ = await fixture.EngineAsync();
        return await SandboxEngine.OpenAsync(fixture.Layout, TestedEngine.Options with { Pool = pool }, TimeProvider.System, new ListLogger<SandboxEngine>());
    }

    private async Task<Outcome> OutcomeAsync(SandboxEngine engine, string script, Limits limits)
    {
        var report = await engine.RunAsync(Job(script, limits), Cancellation);
        Assert.True(report.Warm);
        return report.Outcome;
    }

    private RunRequest Job(string script, Limits? limits = null) => new()
    {
        Id = fixture.NewId(),
        Image = EngineFixture.ImageName,
        Steps = [new StepRequest { Name = "step", Args = ["sh", "-c", script], Limits = limits ?? Limits.Default }],
        Limits = limits ?? Limits.Default,
    };
}
