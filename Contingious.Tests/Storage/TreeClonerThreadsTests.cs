using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Storage;
using Contingious.Tests.Host;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Storage;

/// <summary>Large trees, which several threads copy.</summary>
public sealed class TreeClonerThreadsTests : IDisposable
{
    private const uint Shift = 100_000;

    private readonly ScratchDirectory scratch = new();

    public TreeClonerThreadsTests()
    {
        Privileges.NeedRoot();
        foreach (var name in new[] { "from", "to", "again" }) Directory.CreateDirectory(scratch[name]);
    }

    [Theory]
    [InlineData(40, 20)]
    [InlineData(2, 700)]
    [InlineData(600, 1)]
    public void A_tree_is_the_same_whether_one_thread_copies_it_or_four(int directories, int filesEach)
    {
        using var from = DirectoryHandle.Open(scratch["from"]);
        RandomTree.Make(from, directories, filesEach);
        var source = RandomTree.Describe(from, 0);
        Assert.Contains(source, line => line.Contains("with holes", StringComparison.Ordinal));
        Assert.Contains(source, line => line.Contains("user.of a file", StringComparison.Ordinal));
        foreach (var (name, threads) in new[] { ("to", 1), ("again", 4) })
        {
            using var to = DirectoryHandle.Open(scratch[name]);
            new TreeCloner(Shift, true, TestContext.Current.CancellationToken, threads: threads).Clone(from, to);
            Assert.Equal(source, RandomTree.Describe(to, Shift));
        }
    }

    [Fact]
    public void Names_of_one_file_that_threads_meet_at_the_same_time_are_names_of_one_copy()
    {
        using var from = DirectoryHandle.Open(scratch["from"]);
        for (var i = 0; i < 40; i++) Directory.CreateDirectory(scratch[$"from/{i}"]);
        for (var file = 0; file < 50; file++)
        {
            File.WriteAllBytes(scratch[$"from/0/{file}"], new byte[100_000]);
            using var first = from.OpenDirectory("0");
            for (var i = 1; i < 40; i++)
            {
                using var other = from.OpenDirectory($"{i}");
                other.CreateHardLink(first, Encoding.UTF8.GetBytes($"{file}"), Encoding.UTF8.GetBytes($"{file}"));
            }
        }

        foreach (var path in Directory.GetDirectories(scratch["from"])) Directory.SetLastWriteTimeUtc(path, DateTime.UnixEpoch);
        var source = RandomTree.Describe(from, 0);
        using var to = DirectoryHandle.Open(scratch["to"]);
        new TreeCloner(0, false, TestContext.Current.CancellationToken, threads: 4).Clone(from, to);
        Assert.Equal(source, RandomTree.Describe(to, 0));
    }

    [Fact]
    public void A_file_with_a_name_beside_the_tree_has_one_name_in_the_copy_and_never_the_sources()
    {
        File.WriteAllText(scratch["from/inside"], "image");
        using (var from = DirectoryHandle.Open(scratch["from"]))
        using (var outside = DirectoryHandle.Open(scratch["again"]))
        {
            outside.CreateHardLink(from, "inside"u8, "outside"u8);
            from.CreateHardLink(from, "inside"u8, "too"u8);
            using var to = DirectoryHandle.Open(scratch["to"]);
            new TreeCloner(0, true, TestContext.Current.CancellationToken).Clone(from, to);
        }

        File.WriteAllText(scratch["to/inside"], "job");
        Assert.Equal("image", File.ReadAllText(scratch["again/outside"]));
        Assert.Equal("job", File.ReadAllText(scratch["to/too"]));
        Assert.Equal((2u, 3u), (HostPath.TryStatus(scratch["to/too"])!.Value.LinkCount, HostPath.TryStatus(scratch["from/too"])!.Value.LinkCount));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_full_disk_ends_it_with_what_the_kernel_said(int threads)
    {
        RootOnly.Require();
        for (var i = 0; i < 30; i++)
        {
            Directory.CreateDirectory(scratch[$"from/{i}"]);
            for (var j = 0; j < 50; j++) File.WriteAllBytes(scratch[$"from/{i}/{j}"], new byte[3000]);
        }

        Mounts.Tmpfs(scratch["to"], 4 << 20, 100_000, "0700");
        try
        {
            var error = Assert.Throws<LinuxException>(() => Clone(threads, TestContext.Current.CancellationToken));
            Assert.Equal(Errno.ENOSPC, error.Errno);
            Assert.StartsWith(scratch["to"], error.Path, StringComparison.Ordinal);
            AssertNothingIsOpen();
        }
        finally
        {
            Mounts.TryUnmount(scratch["to"]);
        }
    }

    [Fact]
    public void It_ends_early_when_it_is_cancelled()
    {
        for (var i = 0; i < 600; i++) Directory.CreateDirectory(scratch[$"from/{i}"]);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => Clone(4, cancelled.Token));
        Assert.Empty(Directory.GetFileSystemEntries(scratch["to"]));
        AssertNothingIsOpen();
    }

    public void Dispose() => scratch.Dispose();

    private void Clone(int threads, CancellationToken cancellation)
    {
        using var from = DirectoryHandle.Open(scratch["from"]);
        using var to = DirectoryHandle.Open(scratch["to"]);
        new TreeCloner(0, false, cancellation, threads: threads).Clone(from, to);
    }

    private void AssertNothingIsOpen() =>
        Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd").Select(path => new FileInfo(path).LinkTarget ?? ""), target => target.StartsWith(scratch.Root, StringComparison.Ordinal));
}
