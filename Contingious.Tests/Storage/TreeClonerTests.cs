using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Storage;

public sealed class TreeClonerTests : IDisposable
{
    private const long Size = 64 << 20;

    private readonly ScratchDirectory scratch = new();

    public TreeClonerTests()
    {
        Privileges.NeedRoot();
        Directory.CreateDirectory(scratch["from/a/b"]);
        Directory.CreateDirectory(scratch["from/c"]);
        Directory.CreateDirectory(scratch["to"]);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(Size / 2)]
    [InlineData(Size - 4096)]
    [InlineData(-1L)]
    public void A_sparse_file_stays_sparse(long dataAt)
    {
        using (var file = File.OpenHandle(scratch["from/a/sparse"], FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, Size);
            if (dataAt >= 0) RandomAccess.Write(file, "some data"u8, dataAt);
        }

        Clone(copiesXattrs: false);
        var copy = HostPath.TryStatus(scratch["to/a/sparse"])!.Value;
        Assert.Equal(Size, copy.Size);
        Assert.InRange(copy.AllocatedBytes, 0, 1 << 20);
        Assert.Equal(File.ReadAllBytes(scratch["from/a/sparse"]), File.ReadAllBytes(scratch["to/a/sparse"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Attributes_of_user_are_copied_where_the_image_has_any(bool copiesXattrs)
    {
        File.WriteAllText(scratch["from/a/file"], "x");
        using (var from = DirectoryHandle.Open(scratch["from/a"]))
        using (var file = from.OpenRead("file"u8))
        {
            Assert.Equal(Errno.None, FileXattrs.TrySet(from, "user.directory"u8, [1]));
            Assert.Equal(Errno.None, FileXattrs.TrySet(file, "user.file"u8, [0, 255]));
            Assert.Equal(Errno.None, FileXattrs.TrySet(file, "security.capability"u8, [1, 0, 0, 2, .. new byte[16]]));
        }

        Clone(copiesXattrs);
        using var to = DirectoryHandle.Open(scratch["to/a"]);
        using var copy = to.OpenRead("file"u8);
        Assert.Equal(copiesXattrs ? [0, 255] : null, FileXattrs.TryGet(copy, "user.file"u8));
        Assert.Equal(copiesXattrs ? [1] : null, FileXattrs.TryGet(to, "user.directory"u8));
        Assert.Null(FileXattrs.TryGet(copy, "security.capability"u8));
    }

    [Fact]
    public async Task A_FIFO_in_the_source_is_left_out_and_waited_for_by_nobody()
    {
        await ProgramRunner.RequireAsync(new ProgramRequest("mkfifo", scratch["from/fifo"]), TestContext.Current.CancellationToken);
        Clone(copiesXattrs: false);
        Assert.Equal(["a", "c"], Directory.GetFileSystemEntries(scratch["to"]).Select(Path.GetFileName).Order());
        using var from = DirectoryHandle.Open(scratch["from"]);
        using var to = DirectoryHandle.Open(scratch["to"]);
        Assert.Throws<IOException>(() => new TreeCloner(0, true, TestContext.Current.CancellationToken).CloneFile(from, to, "fifo"u8.ToArray()));
    }

    [Fact]
    public async Task Hard_links_stay_among_themselves_however_many_directories_have_them()
    {
        using (var from = DirectoryHandle.Open(scratch["from"]))
        {
            for (var i = 0; i < 2000; i++)
            {
                Directory.CreateDirectory(scratch[$"from/a/b/{i}"]);
                File.WriteAllText(scratch[$"from/a/b/{i}/first"], $"{i}");
                using var directory = from.OpenDirectory($"a/b/{i}");
                using var other = from.OpenDirectory("c");
                other.CreateHardLink(directory, "first"u8, TarBuilder.Bytes($"{i}"));
            }
        }

        using var done = new CancellationTokenSource();
        var before = Directory.GetFiles("/proc/self/fd").Length;
        using var looking = new ManualResetEventSlim();
        var most = Task.Factory.StartNew(() => MostOpen(looking, done.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        looking.Wait(TestContext.Current.CancellationToken);
        Clone(copiesXattrs: false);
        await done.CancelAsync();
        Assert.InRange(await most, 1, before + 200);
        for (var i = 0; i < 2000; i++)
        {
            var (first, second) = (HostPath.TryStatus(scratch[$"to/a/b/{i}/first"])!.Value, HostPath.TryStatus(scratch[$"to/c/{i}"])!.Value);
            Assert.Equal((2u, first.Inode), (first.LinkCount, second.Inode));
        }
    }

    public void Dispose() => scratch.Dispose();

    private static int MostOpen(ManualResetEventSlim looking, CancellationToken cancellation)
    {
        var most = 0;
        do
        {
            most = Math.Max(most, Directory.GetFiles("/proc/self/fd").Length);
            looking.Set();
        }
        while (!cancellation.IsCancellationRequested);
        return most;
    }

    private void Clone(bool copiesXattrs)
    {
        using var from = DirectoryHandle.Open(scratch["from"]);
        using var to = DirectoryHandle.Open(scratch["to"]);
        new TreeCloner(0, copiesXattrs, TestContext.Current.CancellationToken).Clone(from, to);
    }
}
