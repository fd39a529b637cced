using System.Diagnostics;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Hostile;

/// <summary>Programs that use something up to the last bit of it. Only what the corpus of <c>Verdicts/Programs</c> does not show already.</summary>
/// <remarks>
/// D1: anonymous memory c/touches-past-the-memory-limit, memfd c/memory-in-a-file-without-a-name, shared c/memory-shared-with-its-children,
/// one big file on a tmpfs c/fills-its-memory-with-files; inotify ChannelTests.C18.
/// D2: c/fills-the-disk-and-ignores-it, sh/fills-the-disk-…, c/creates-a-million-empty-files, c/sparse-file-larger-than-the-disk, c/file-past-its-size-limit.
/// D3: c/gigabyte-to-stdout, c/gigabyte-to-stderr, awk/floods-stdout, sh/closes-stdout, c/closes-all-three-streams, c/daemon-holds-stdout.
/// D4: sh/never-reads-stdin, sh/reads-a-line-and-leaves, sh/reads-stdin-to-its-end.
/// D5: c/spins-in-eight-threads, c/is-nice-and-cannot-be-less-so (real-time scheduling too).
/// D6: sh/sleeps, c/stops-itself, c/deadlocks-on-its-own-lock, sh/waits-for-a-fifo.
/// </remarks>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class ExhaustionTests(EngineFixture engine, NativePrograms native)
{
    private static readonly ByteSize memory = ByteSize.FromMiB(64);
    private static readonly Limits little = Limits.Default with { Memory = memory, Disk = ByteSize.FromMiB(16), Inodes = 1000 };

    [Theory]
    [InlineData("./exhaust pipes 0")]
    [InlineData("./exhaust sockets 0")]
    [InlineData("./exhaust page-tables 256")]
    [InlineData("for i in 1 2 3; do head -c 40000000 /dev/zero >/dev/shm/$i; done")]
    [InlineData("for i in 1 2 3; do head -c 40000000 /dev/zero >/tmp/$i; done")]
    public async Task D1_Memory_of_whatever_kind_is_the_job_s_own_and_ends_by_the_kernel_s_kill(string script)
    {
        var neighbour = engine.ShellAsync("sleep 1; echo fine");
        var report = await engine.RunNativeAsync(await native.FileAsync("exhaust"), script, Limits.Default with { Memory = memory });
        Assert.Equal(Outcome.MemoryLimit, report.Outcome);
        Assert.InRange(report.Steps[0].Evidence.OomKills, 1, long.MaxValue);
        Assert.InRange(report.Steps[0].Usage.PeakMemory.Bytes, memory.Bytes / 2, memory.Bytes);
        Assert.Equal("fine\n", (await neighbour).RequireOk());
    }

    [Theory]
    [InlineData("./exhaust written 200")] // the page cache of a file
    [InlineData("./exhaust names 200")]   // what the kernel remembers of names
    public async Task D1_What_the_kernel_can_take_back_is_no_memory_limit(string script)
    {
        var limits = Limits.Default with { Memory = memory, Disk = ByteSize.FromMiB(400) };
        var report = await WatchedAsync(script, limits);
        Assert.EndsWith(": done\n", report.RequireOk());
        Assert.Equal(0, report.Steps[0].Evidence.OomKills);
        Assert.InRange(report.Steps[0].Usage.PeakMemory.Bytes, 1 << 20, memory.Bytes);
    }

    [Theory]
    [InlineData("./exhaust deep 2000", Outcome.DiskLimit)]
    [InlineData("./exhaust fallocate 64", Outcome.NonZeroExit)] // refused whole where it does not fit: the disk is not full
    [InlineData("./exhaust deleted 64", Outcome.NonZeroExit)]   // given back with the program that had them open
    public async Task D2_A_disk_in_memory_is_full_for_the_job_alone(string script, Outcome expected)
    {
        await engine.EngineAsync();
        var before = HostFootprint.Take(engine.Layout);
        var report = await engine.RunNativeAsync(await native.FileAsync("exhaust"), script, little);
        Assert.Equal((expected, 1), (report.Outcome, report.Steps[0].ExitCode));
        Assert.Contains("No space left on device", Encoding.UTF8.GetString(report.Steps[0].Stderr.Span));
        Assert.InRange(report.Steps[0].Evidence.DiskUsedBytes, 0, little.Disk.Bytes);
        Assert.Equal(before, HostFootprint.Take(engine.Layout));
        Assert.Equal("room\n", (await engine.ShellAsync("head -c 10000000 /dev/zero >/tmp/f && echo room", little)).RequireOk());
    }

    [Theory]
    [InlineData("./exhaust written 64 20", Outcome.DiskLimit)]
    [InlineData("./exhaust fallocate 64 20", Outcome.DiskLimit)]
    [InlineData("./exhaust deep 2000 20", Outcome.DiskLimit)]
    [InlineData("./exhaust deleted 64", Outcome.Ok)] // not seen, as docs/security.md says: nobody can count what has no name
    public async Task D2_A_watched_disk_that_is_over_its_limit_is_noticed_and_given_back(string script, Outcome expected)
    {
        await engine.EngineAsync();
        var before = HostFootprint.Take(engine.Layout);
        var report = await WatchedAsync(script, little);
        Assert.Equal(expected, report.Outcome);
        Assert.Equal(DiskBackend.Watched, report.Steps[0].Evidence.DiskBackend);
        Assert.Equal(before, HostFootprint.Take(engine.Layout));
    }

    [Fact]
    public async Task D3_Bytes_one_by_one_on_both_streams_are_stopped_at_the_limit_and_not_kept()
    {
        var limits = Limits.Default with { ProducedOutput = ByteSize.FromMiB(2), Stdout = ByteSize.FromKiB(100), Stderr = ByteSize.FromKiB(50), CpuTime = TimeSpan.FromSeconds(60) };
        var file = await native.FileAsync("exhaust");
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var report = await engine.RunNativeAsync(file, "exec ./exhaust bytes 64", limits);
        var step = Assert.Single(report.Steps);
        Assert.Equal(Outcome.OutputLimit, report.Outcome);
        Assert.Equal((100 << 10, 50 << 10), (step.Stdout.Length, step.Stderr.Length));
        Assert.InRange(step.Usage.StdoutBytes + step.Usage.StderrBytes, limits.ProducedOutput.Bytes, 60L << 20);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8L << 20);
    }

    [Theory]
    [InlineData("true", "")]
    [InlineData("sleep 0.5; head -c 1 | wc -c", "1\n")]
    [InlineData("wc -c", "104857600\n")]
    public async Task D4_A_hundred_megabytes_of_input_hang_nothing_however_little_of_it_is_read(string script, string expected)
    {
        var clock = Stopwatch.StartNew();
        var report = await engine.RunAsync(["sh", "-c", script], step => step with { Stdin = new byte[100 << 20] });
        Assert.Equal(expected, report.RequireOk());
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task D5_Many_spinning_threads_get_their_share_and_are_charged_to_nobody_else()
    {
        var spin = string.Concat(Enumerable.Repeat("(while :; do :; done) & ", 6));
        var spinning = engine.ShellAsync($"nice -n 19 true; {spin} sleep 2", Limits.Default with { Cpus = 0.5 });
        var sleeping = engine.ShellAsync("sleep 1.5");
        var (busy, idle) = ((await spinning).Steps[0].Usage, await sleeping);
        idle.RequireOk();
        Assert.InRange(idle.Steps[0].Usage.CpuTime, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        Assert.InRange(busy.CpuTime / busy.WallTime, 0.1, 0.6);
    }

    [Fact]
    public async Task D6_A_program_that_waits_for_a_lock_it_holds_is_stopped_by_wall_time()
    {
        var limit = TimeSpan.FromSeconds(1);
        var report = await engine.RunNativeAsync(await native.FileAsync("exhaust"), "exec ./exhaust flock 0", Limits.Default with { WallTime = limit });
        Assert.Equal(Outcome.WallTimeLimit, report.Outcome);
        Assert.True(report.Steps[0].Evidence.Flags.HasFlag(EvidenceFlags.Idle));
        Assert.InRange(report.Steps[0].Usage.WallTime, limit, limit + TimeSpan.FromMilliseconds(500));
    }

    private async Task<RunReport> WatchedAsync(string script, Limits limits)
    {
        await engine.EngineAsync();
        var watched = await SandboxEngine.OpenAsync(engine.Layout, TestedEngine.Options with { Disk = new DiskPolicy { Backend = DiskBackend.Watched } }, TimeProvider.System, NullLogger.Instance);
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", script], Limits = limits };
        var request = new RunRequest { Id = engine.NewId(), Image = EngineFixture.ImageName, Files = [await native.FileAsync("exhaust")], Steps = [step], Limits = limits };
        return await watched.RunAsync(request, TestContext.Current.CancellationToken);
    }
}
