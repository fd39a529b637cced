using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>Files are asked back from a tree that somebody made as large, deep or full as he could.</summary>
public sealed class ArtifactCapTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    [Fact]
    public void A8_A_sparse_file_of_a_terabyte_comes_back_shortened_with_its_real_size()
    {
        using (var sparse = File.Create(scratch["out"])) sparse.SetLength(1L << 40);
        var (outputs, truncated) = Collect(new OutputLimits(), "out");
        var output = Assert.Single(outputs);
        Assert.Equal((OutputStatus.Returned, 1L << 40, 10 << 20, true, true), (output.Status, output.Size, output.Content.Length, output.Truncated, truncated));
        Assert.Equal(SHA256.HashData(new byte[10 << 20]), output.Sha256.ToArray());
    }

    [Fact]
    public void A8_What_does_not_fit_the_total_is_reported_without_content_and_what_fits_still_comes_back()
    {
        foreach (var (name, size) in new[] { ("1", 600), ("2", 500), ("3", 400), ("4", 1) }) File.WriteAllBytes(scratch[name], new byte[size]);
        var (outputs, truncated) = Collect(new OutputLimits { TotalBytes = new ByteSize(1000) }, "*");
        Assert.Equal(
            [("/1", OutputStatus.Returned, 600L, 600), ("/2", OutputStatus.TooLarge, 500, 0), ("/3", OutputStatus.Returned, 400, 400), ("/4", OutputStatus.TooLarge, 1, 0)],
            outputs.Select(output => (output.Path, output.Status, output.Size, output.Content.Length)));
        Assert.True(truncated);
        Assert.Equal([32, 0, 32, 0], outputs.Select(output => output.Sha256.Length));
    }

    [Fact]
    public void What_keeps_within_every_cap_is_whole_and_says_so()
    {
        foreach (var name in new[] { "a", "b" }) File.WriteAllText(scratch[name], name);
        var (outputs, truncated) = Collect(new OutputLimits { Files = 2, FileBytes = new ByteSize(1), TotalBytes = new ByteSize(2), Depth = 0 }, "*");
        Assert.Equal(["a", "b"], outputs.Select(output => Encoding.UTF8.GetString(output.Content.Span)));
        Assert.All(outputs, output => Assert.False(output.Truncated));
        Assert.Equal(SHA256.HashData("b"u8), outputs[1].Sha256.ToArray());
        Assert.False(truncated);
    }

    [Fact]
    public void A8_Two_hundred_thousand_names_cost_bounded_memory_and_time_and_the_cap_is_said()
    {
        Prerequisite.Require(Directory.Exists("/dev/shm"), "/dev/shm, where so many files are made in a second or two");
        var directory = Directory.CreateDirectory($"/dev/shm/ctg-names-{Guid.NewGuid():N}").FullName;
        try
        {
            using (var many = DirectoryHandle.Open(directory))
            {
                for (var i = 0; i < 200_000; i++) many.CreateFile(Encoding.ASCII.GetBytes($"{i:d12}"), 0x1A4).Dispose();
            }

            foreach (var glob in new[] { "*", "**", "*.txt", "**/nothing" })
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                var started = Stopwatch.GetTimestamp();
                var (outputs, truncated) = CollectFrom(directory, new OutputLimits(), glob);
                var (elapsed, allocated) = (Stopwatch.GetElapsedTime(started), GC.GetAllocatedBytesForCurrentThread() - before);
                TestContext.Current.TestOutputHelper?.WriteLine($"{glob}: {elapsed.TotalMilliseconds:f0} ms, {allocated >> 10} KiB allocated");
                Assert.True(truncated, glob);
                Assert.Equal(glob is "*" or "**" ? 1_000 : 0, outputs.Count);
                Assert.InRange(allocated, 0, 50 << 20);
                Assert.InRange(elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
            }
        }
        finally
        {
            using var parent = DirectoryHandle.Open("/dev/shm");
            parent.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(directory)));
        }
    }

    [Fact]
    public void A8_A_tree_of_three_hundred_directories_is_followed_as_deep_as_asked()
    {
        MakeDeep(scratch.Root, 300);
        var (outputs, truncated) = Collect(new OutputLimits(), "**");
        Assert.Equal(65, outputs.Count);
        Assert.All(outputs, output => Assert.Equal(OutputStatus.Returned, output.Status));
        Assert.True(truncated);
        var (shallow, cut) = Collect(new OutputLimits { Depth = 1 }, "d/d/f");
        Assert.Empty(shallow);
        Assert.True(cut);
    }

    [Fact]
    public void A8_Paths_that_are_longer_than_any_message_are_left_out()
    {
        using (var root = DirectoryHandle.Open(scratch.Root)) MakeDirectories(root, [.. Enumerable.Repeat(Encoding.ASCII.GetBytes(new string('n', 255)), 60)], 100);
        var (outputs, truncated) = Collect(new OutputLimits(), "**");
        Assert.True(truncated);
        Assert.InRange(outputs.Count, 1, 99);
        Assert.InRange(outputs.Sum(output => output.Path.Length), 1, 1 << 20);
    }

    [Fact]
    public async Task A8_Of_a_file_that_grows_while_it_is_read_no_more_is_taken_than_was_seen()
    {
        var path = scratch["log"];
        await File.WriteAllBytesAsync(path, new byte[1 << 20], TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        var growing = Task.Run(
            () =>
            {
                using var log = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
                while (!stop.IsCancellationRequested && log.Length < 64 << 20) log.Write(new byte[4096]);
            },
            TestContext.Current.CancellationToken);
        for (var i = 0; i < 20; i++)
        {
            var output = Assert.Single(Collect(new OutputLimits(), "log").Outputs);
            Assert.Equal(Math.Min(output.Size, 10 << 20), output.Content.Length);
        }

        await stop.CancelAsync();
        await growing;
    }

    [Fact]
    public void A6_A_socket_artifact_is_reported_and_never_connected_to()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(scratch["out"]));
        socket.Listen();
        Assert.Equal(("/out", OutputStatus.NotRegular, 0), Collect(new OutputLimits(), "out").Outputs.Select(output => (output.Path, output.Status, output.Content.Length)).Single());
        Assert.False(socket.Poll(TimeSpan.Zero, SelectMode.SelectRead));
    }

    [Fact]
    public void A7_A_file_of_two_names_comes_back_under_each_once()
    {
        File.WriteAllText(scratch["out"], "one");
        using (var root = DirectoryHandle.Open(scratch.Root)) root.CreateHardLink(root, "out"u8, "out2"u8);
        var (outputs, _) = Collect(new OutputLimits(), "out*", "out", "**", "./out2");
        Assert.Equal([("/out", "one"), ("/out2", "one")], outputs.Select(output => (output.Path, Encoding.UTF8.GetString(output.Content.Span))));
    }

    [Fact]
    public void Many_stars_in_a_row_cost_no_more_than_one()
    {
        MakeDeep(scratch.Root, 30);
        var (outputs, truncated) = Collect(new OutputLimits(), string.Concat(Enumerable.Repeat("**/", 60)) + "f");
        Assert.Equal(31, outputs.Count);
        Assert.False(truncated);
    }

    [Fact]
    public void A_glob_that_was_looked_for_to_its_end_is_missing_and_one_that_was_not_is_not_said_to_be()
    {
        foreach (var name in new[] { "1", "2", "3" }) File.WriteAllText(scratch[name], "");
        Assert.Equal(
            [("/1", OutputStatus.Returned), ("/2", OutputStatus.Returned)],
            Collect(new OutputLimits { Files = 2 }, "*", "**/nothing").Outputs.Select(output => (output.Path, output.Status)));
        Assert.Equal(OutputStatus.Missing, Assert.Single(Collect(new OutputLimits(), "**/nothing").Outputs).Status);
    }

    [Fact]
    public void A12_Whatever_was_left_is_removed_and_nothing_beside_it()
    {
        using var sentinel = new Sentinel();
        var root = Directory.CreateDirectory(scratch["left"]).FullName;
        File.CreateSymbolicLink($"{root}/x", sentinel.Directory);
        File.CreateSymbolicLink($"{root}/y", "/");
        MakeDeep(root, 3_000);
        Directory.CreateDirectory($"{root}/wide");
        for (var i = 0; i < 5_000; i++) Directory.CreateDirectory($"{root}/wide/{i}");
        if (Privileges.IsRoot) File.SetUnixFileMode($"{root}/wide", UnixFileMode.None);
        var open = Directory.GetFiles("/proc/self/fd").Length;
        using (var parent = DirectoryHandle.Open(scratch.Root)) parent.RemoveTree("left"u8);
        Assert.False(Path.Exists(root));
        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, open + 100);
        sentinel.AssertUntouched();
        scratch.AssertNothingLeftIt();
    }

    public void Dispose() => scratch.Dispose();

    private (IReadOnlyList<OutputFile> Outputs, bool Truncated) Collect(OutputLimits limits, params string[] globs) =>
        CollectFrom(scratch.Root, limits, globs);

    private static (IReadOnlyList<OutputFile> Outputs, bool Truncated) CollectFrom(string directory, OutputLimits limits, params string[] globs)
    {
        using var root = DirectoryHandle.Open(directory);
        var files = new OutputFiles("/", limits, new Dictionary<string, string>());
        return (files.Collect(root, globs), files.Truncated);
    }

    private static void MakeDeep(string directory, int depth)
    {
        var at = DirectoryHandle.Open(directory);
        for (var i = 0; i <= depth; i++)
        {
            at.CreateFile("f"u8, 0x1A4).Dispose();
            at.CreateDirectory("d"u8, 0x1ED);
            var next = at.OpenDirectory("d");
            at.Dispose();
            at = next;
        }

        at.Dispose();
    }

    private static void MakeDirectories(DirectoryHandle directory, ReadOnlySpan<byte[]> path, int files)
    {
        if (path.IsEmpty)
        {
            for (var i = 0; i < files; i++) directory.CreateFile(Encoding.ASCII.GetBytes($"{i:d3}"), 0x1A4).Dispose();
            return;
        }

        directory.CreateDirectory(path[0], 0x1ED);
        using var next = directory.OpenDirectory(path[0]);
        MakeDirectories(next, path[1..], files);
    }
}
