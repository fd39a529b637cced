using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;

namespace Contingious.Benchmarks.Clones;

/// <summary>
/// What a clone costs, against cp -a --reflink=auto, File.Copy of every file, and an overlayfs, in turns and with warm caches. As root.
/// </summary>
/// <param name="rounds">Of each contender, for a tree that takes its time.</param>
internal sealed class CloneBenchmark(int rounds, TextWriter report)
{
    private const string Ours = "contingious";
    private const string Shifted = "contingious, owners shifted";
    private const string OneThread = "contingious, by one thread";
    private const string Cp = "cp -a --reflink=auto";
    private const string EmptyCp = "cp, of an empty directory";
    private const uint FirstId = 100_000;
    private const int Small = 8 << 10;

    private static readonly SourceTree Hundred = new("100 files", 10, 10, Small, 3);
    private static readonly SourceTree TenThousand = new("10,000 files", 100, 100, Small, 1);
    private static readonly SourceTree Gigabyte = new("one file of 1 GiB", 1, 1, 1 << 30, 1);
    private static readonly SourceTree Quarter = new("one file of 256 MiB", 1, 1, 256 << 20, 1);

    /// <param name="places">An empty directory of each file system, by its name.</param>
    public async Task RunAsync(IReadOnlyDictionary<string, string> places)
    {
        foreach (var (name, directory) in places)
        {
            // Where nothing is shared, the time of a large file is the time of its bytes.
            var large = name is "btrfs" or "xfs" ? Gigabyte : Quarter;
            foreach (var tree in new[] { Hundred, TenThousand, large }) await MeasureAsync(name, tree, directory, directory).ConfigureAwait(false);
        }

        // The usual way: the image store is on a disk, and the job's disk in memory.
        if (!places.TryGetValue("ext4", out var disk) || !places.TryGetValue("tmpfs", out var memory)) return;
        foreach (var tree in new[] { Hundred, TenThousand, Quarter }) await MeasureAsync("ext4 to tmpfs", tree, disk, memory).ConfigureAwait(false);
    }

    private async Task MeasureAsync(string name, SourceTree tree, string from, string to)
    {
        var (source, empty, target) = (Path.Combine(from, "source"), Path.Combine(from, "empty"), Path.Combine(to, "target"));
        await Console.Error.WriteLineAsync($"{name}: {tree.Name}").ConfigureAwait(false);
        tree.Make(source);
        Directory.CreateDirectory(empty);
        Sync(from);
        var clean = () => Remove(to, "target");
        CloneContender[] turns =
        [
            new(Ours, () => Clone(source, target), clean),
            new(Shifted, () => Clone(source, target, idShift: FirstId), clean),
            new(OneThread, () => Clone(source, target, threads: 1), clean),
            new(Cp, () => CopyAsync(source, target), clean),
            new("File.Copy of each file", () => CopyFiles(source, target), clean),
            new("overlay, mount and umount", () => Overlay(source, target), clean),
            new(EmptyCp, () => CopyAsync(empty, target), clean),
        ];
        for (var round = 0; round <= rounds * tree.Rounds; round++)
        {
            foreach (var contender in turns)
            {
                // What the one before wrote is on its way to the disk until here.
                Sync(to);
                await contender.TakeAsync(isCounted: round > 0).ConfigureAwait(false);
            }
        }

        Remove(from, "source");
        Remove(from, "empty");
        await WriteAsync(name, tree, turns).ConfigureAwait(false);
    }

    private static Task Clone(string source, string target, uint idShift = 0, int? threads = null)
    {
        Directory.CreateDirectory(target);
        using var from = DirectoryHandle.Open(source);
        using var to = DirectoryHandle.Open(target);
        new TreeCloner(idShift, copiesXattrs: true, CancellationToken.None, threads: threads).Clone(from, to);
        return Task.CompletedTask;
    }

    private static Task<ProgramResult> CopyAsync(string source, string target) =>
        ProgramRunner.RequireAsync(new ProgramRequest("cp", ["-a", "--reflink=auto", source, target]), CancellationToken.None);

    private static Task CopyFiles(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var directory in Directory.EnumerateDirectories(source))
        {
            var below = Directory.CreateDirectory(Path.Combine(target, Path.GetFileName(directory))).FullName;
            foreach (var file in Directory.EnumerateFiles(directory)) File.Copy(file, Path.Combine(below, Path.GetFileName(file)));
        }

        return Task.CompletedTask;
    }

    private static Task Overlay(string source, string target)
    {
        var (whole, upper, work) = (Path.Combine(target, "whole"), Path.Combine(target, "upper"), Path.Combine(target, "work"));
        foreach (var directory in new[] { whole, upper, work }) Directory.CreateDirectory(directory);
        Mounts.Overlay(whole, source, upper, work);
        Mounts.TryUnmount(whole);
        return Task.CompletedTask;
    }

    private static void Remove(string directory, string name)
    {
        using var above = DirectoryHandle.Open(directory);
        above.RemoveTree(Encoding.UTF8.GetBytes(name));
    }

    private static void Sync(string directory)
    {
        using var handle = DirectoryHandle.Open(directory);
        handle.SyncFileSystem();
    }

    private async Task WriteAsync(string name, SourceTree tree, CloneContender[] turns)
    {
        var cp = turns.Single(contender => contender.Name == Cp).Series.Median;
        var start = turns.Single(contender => contender.Name == EmptyCp).Series.Median;
        await report.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"\n## {name}: {tree.Name}\n\n{rounds * tree.Rounds} rounds.\n")).ConfigureAwait(false);
        await report.WriteLineAsync("| | median ms | p25–p75 ms | to cp | to cp without its start |\n| --- | ---: | ---: | ---: | ---: |").ConfigureAwait(false);
        foreach (var series in turns.Select(contender => contender.Series))
        {
            var isCp = series.Name is Cp or EmptyCp;
            var bare = isCp || cp <= start ? "" : string.Create(CultureInfo.InvariantCulture, $"{series.Median / (cp - start):0.00}");
            await report.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"| {series.Name} | {series.Median:0.00} | {series.At(0.25):0.00}–{series.At(0.75):0.00} | {series.Median / cp:0.00} | {bare} |")).ConfigureAwait(false);
        }
    }
}
