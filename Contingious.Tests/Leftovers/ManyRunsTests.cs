using System.Globalization;
using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Leftovers;

/// <summary>One job after another, for a long time: 60 of them, and 2,000 with <c>--soak</c>.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class ManyRunsTests(EngineFixture fixture)
{
    private const int WarmUp = 30;

    /// <summary>The runtime's own: it opens its assemblies when it first needs them. One for each hundredth run would show.</summary>
    private const int SpareDescriptors = 8;

    private static readonly int runs = Soak.IsAsked ? 2000 : 60;

    /// <summary>Heaps differ by a collection's timing; what grows with each run shows in 2,000 of them as megabytes.</summary>
    private static readonly ByteSize heapTolerance = ByteSize.FromMiB(2);
    private static readonly ByteSize residentTolerance = ByteSize.FromMiB(32);

    private static readonly (string Script, Outcome Expected)[] kinds =
    [
        ("echo done >result", Outcome.Ok),
        ("sleep 1000 & echo done >result; exit 3", Outcome.NonZeroExit),
        ("head -c 300000 /dev/zero | tee result", Outcome.Ok),
        ("kill -9 $$", Outcome.Signalled),
    ];

    [Fact]
    public async Task K2_Many_runs_in_a_row_leave_no_mount_cgroup_directory_descriptor_or_memory()
    {
        await fixture.EngineAsync();
        for (var i = 0; i < WarmUp; i++) await RunAsync(i);
        var before = State.Take(fixture.Layout);
        for (var i = 0; i < runs; i++) await RunAsync(i);
        var after = State.Take(fixture.Layout);
        TestContext.Current.TestOutputHelper?.WriteLine($"{runs} runs: from {before} to {after}");
        TestContext.Current.TestOutputHelper?.WriteLine($"opened since: {string.Join(", ", after.Descriptors.Except(before.Descriptors))}");

        Assert.Equal(before.Footprint, after.Footprint);
        Assert.Equal(before.KeeperMounts, after.KeeperMounts);
        Assert.InRange(after.Descriptors.Count, 0, before.Descriptors.Count + SpareDescriptors);
        Assert.InRange(after.Threads, 0, before.Threads + 8);
        Assert.InRange(after.HeapBytes, 0, before.HeapBytes + heapTolerance.Bytes);
        Assert.InRange(after.ResidentBytes, 0, before.ResidentBytes + residentTolerance.Bytes);
    }

    private async Task RunAsync(int number)
    {
        var (script, expected) = kinds[number % kinds.Length];
        var report = await fixture.RunAsync(["sh", "-c", script], job: request => request with { Outputs = ["result"] });
        Assert.Equal(expected, report.Outcome);
    }

    /// <summary>What this process and its account have of everything.</summary>
    private sealed record State(IReadOnlyList<string> Footprint, int KeeperMounts, IReadOnlyList<string> Descriptors, int Threads, long HeapBytes, long ResidentBytes)
    {
        public static State Take(HostLayout layout)
        {
            var keeper = new Keeper(layout, TimeProvider.System).Find() ?? throw new InvalidOperationException("There is no keeper.");
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
            var heap = GC.GetTotalMemory(forceFullCollection: true);
            return new State(
                HostFootprint.Take(layout),
                HostFootprint.Mounts($"/proc/{keeper.Pid}/mountinfo", layout).Count(),
                [.. Directory.EnumerateFileSystemEntries("/proc/self/fd").Select(path => $"{Path.GetFileName(path)} {new FileInfo(path).LinkTarget}")],
                Directory.EnumerateDirectories("/proc/self/task").Count(),
                heap,
                long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10);
        }

        public override string ToString() => $"[{Footprint.Count} things, {KeeperMounts} mounts in the keeper, {Descriptors.Count} descriptors, {Threads} threads, {HeapBytes >> 10} KiB of heap, {ResidentBytes >> 10} KiB resident]";
    }
}
