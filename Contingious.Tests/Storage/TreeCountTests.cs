using Contingious.Engine.Linux;
using Contingious.Engine.Storage;

namespace Contingious.Tests.Storage;

/// <summary>Counting a tree that a submission made.</summary>
public sealed class TreeCountTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("contingious-count-");

    private string Root => directory.FullName;

    public void Dispose()
    {
        using (var handle = DirectoryHandle.Open(Root)) handle.RemoveContents();
        directory.Delete();
    }

    [Fact]
    public void Files_directories_and_links_count_once_whatever_their_names()
    {
        Directory.CreateDirectory($"{Root}/a/b");
        Fill.With($"{Root}/a/b/file", 8192);
        using (var handle = DirectoryHandle.Open($"{Root}/a/b")) handle.CreateHardLink(handle, "file"u8, "again"u8);
        File.CreateSymbolicLink($"{Root}/a/link", "b");
        File.CreateSymbolicLink($"{Root}/a/out", "/usr");
        var (bytes, inodes) = Count();
        Assert.Equal(5, inodes);
        Assert.InRange(bytes, 8192, 8192 + (3 * 4096));
    }

    [Fact]
    public void A4_A_sparse_giant_counts_what_it_takes()
    {
        using (var file = File.OpenHandle($"{Root}/giant", FileMode.Create, FileAccess.Write)) RandomAccess.SetLength(file, 1L << 40);
        Assert.InRange(Count().Bytes, 0, 4096);
    }

    [Fact]
    public void C10_A_chain_of_directories_of_any_depth_is_counted_and_removed()
    {
        const int depth = 1_500;
        MakeDeep(depth);
        Assert.Equal((depth * 2) - 1, Count().Inodes);
        using var root = DirectoryHandle.Open(Root);
        root.RemoveTree("d"u8);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Root));
    }

    [Fact]
    public void The_count_ends_where_there_is_more_than_enough()
    {
        for (var i = 0; i < 50; i++) Fill.With($"{Root}/{i}", 0);
        Assert.Equal(10, Count(most: 10).Inodes);
    }

    [Fact]
    public async Task Counting_what_changes_meanwhile_ends_and_never_leaves_the_tree()
    {
        MakeDeep(50);
        using var stop = new CancellationTokenSource();
        var churn = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move($"{Root}/d/d/d", $"{Root}/moved");
                Directory.Move($"{Root}/moved", $"{Root}/d/d/d");
            }
        });
        try
        {
            for (var i = 0; i < 300; i++) Assert.InRange(Count().Inodes, 1, 99);
        }
        finally
        {
            await stop.CancelAsync();
            await churn;
        }
    }

    // Directories in one another, each with a second one beside, so that none can be forgotten before it is done.
    private void MakeDeep(int depth)
    {
        var current = DirectoryHandle.Open(Root);
        for (var i = 0; i < depth; i++)
        {
            current.CreateDirectory("d"u8, 0x1ED);
            if (i > 0) current.CreateDirectory("e"u8, 0x1ED);
            var next = current.OpenDirectory("d"u8);
            current.Dispose();
            current = next;
        }

        current.Dispose();
    }

    private (long Bytes, long Inodes) Count(long most = long.MaxValue)
    {
        using var root = DirectoryHandle.Open(Root);
        return new TreeCount(most).Of(root);
    }
}
