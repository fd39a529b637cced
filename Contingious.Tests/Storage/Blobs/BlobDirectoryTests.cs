using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage.Blobs;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Storage.Blobs;

public sealed class BlobDirectoryTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    [Fact]
    public void A_blob_is_found_by_the_digest_of_its_content_and_is_a_file_of_that_name()
    {
        var stored = Put(Open(), "content");
        Assert.Equal(Digest.Of("content"u8), stored.Digest);
        Assert.Equal(7, stored.Bytes);
        Assert.Equal("content", Read(Open(), stored.Digest));
        var path = scratch[$"blobs/sha256/{stored.Digest.Hex[..2]}/{stored.Digest.Hex[2..]}"];
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(path));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["blobs/staging"]));
        Assert.Null(Open().TryOpen(Digest.Of("other"u8)));
    }

    [Fact]
    public void The_same_content_is_kept_once_and_is_young_again()
    {
        var time = new SetTime();
        var store = Open(time: time);
        var first = Put(store, "same");
        time.Advance(TimeSpan.FromDays(20));
        Put(store, "same");
        time.Advance(TimeSpan.FromDays(20));
        Assert.Empty(store.Prune().Removed);
        Assert.Equal(first.Digest, Assert.Single(store.List()).Digest);
        time.Advance(TimeSpan.FromDays(11));
        Assert.Equal(first.Digest, Assert.Single(store.Prune().Removed).Digest);
        Assert.Empty(store.List());
    }

    [Fact]
    public void The_oldest_make_room_and_all_together_never_have_more_than_they_may()
    {
        var time = new SetTime();
        var store = Open(8_000, time);
        var digests = new List<Digest>();
        for (var i = 0; i < 30; i++)
        {
            digests.Add(Put(store, $"{i}".PadRight(900)).Digest);
            time.Advance(TimeSpan.FromSeconds(1));
            Assert.InRange(store.List().Sum(blob => blob.Bytes), 1, 8_000);
        }

        Assert.Equal(digests[^8..], store.List().Select(blob => blob.Digest));
    }

    [Fact]
    public void R14_No_more_is_taken_than_one_job_may_have_whatever_the_stream_gives()
    {
        var store = Open(80_000);
        using var endless = new EndlessStream();
        var stored = store.Put(endless, long.MaxValue);
        Assert.Equal(10_000, stored?.Bytes);
        Assert.Equal(SHA256.HashData(new byte[10_000]), Convert.FromHexString(stored!.Digest.Hex));
    }

    [Fact]
    public void R14_Zeros_take_their_time_and_not_their_size()
    {
        using var sparse = File.Create(scratch["sparse"]);
        sparse.SetLength(300 << 20);
        sparse.Position = 0;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var stored = Open(ByteSize.FromGiB(8).Bytes).Put(sparse, long.MaxValue);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Equal(300L << 20, stored?.Bytes);
        using var directory = DirectoryHandle.Open(scratch[$"blobs/sha256/{stored!.Digest.Hex[..2]}"]);
        var status = directory.TryStatus(Encoding.ASCII.GetBytes(stored.Digest.Hex[2..]));
        Assert.Equal(300L << 20, status?.Size);
        Assert.InRange(status!.Value.AllocatedBytes, 0, 1 << 20);
    }

    [Fact]
    public void What_a_dead_writer_left_is_swept_and_what_a_live_one_writes_is_not()
    {
        var store = Open();
        Put(store, "x");
        File.WriteAllText(scratch["blobs/staging/torn"], "half of");
        using var writing = new ProbeStream(() => Assert.Equal(1, Open().Prune().Torn));
        Assert.Equal(Digest.Of("probe"u8), store.Put(writing, 100)?.Digest);
        Assert.Equal("probe", Read(store, Digest.Of("probe"u8)));
    }

    [Fact]
    public void A_stream_that_fails_leaves_nothing()
    {
        using var broken = new ProbeStream(() => throw new IOException("The disk is gone."));
        Assert.Contains("The disk is gone.", Assert.Throws<ContingiousException>(() => Open().Put(broken, 100)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["blobs/staging"]));
        Assert.Empty(Open().List());
    }

    [Fact]
    public async Task Many_writers_of_the_same_and_of_others_get_along_within_the_bound()
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, 200), TestContext.Current.CancellationToken, (i, _) =>
        {
            var text = $"{i % 40}".PadRight(500);
            Assert.Equal(Digest.Of(Encoding.UTF8.GetBytes(text)), Put(Open(10_000), text).Digest);
            return ValueTask.CompletedTask;
        });
        var blobs = Open(10_000).List();
        Assert.InRange(blobs.Count, 1, 20);
        Assert.All(blobs, blob => Assert.Equal(blob.Digest, Digest.Of(Encoding.UTF8.GetBytes(Read(Open(), blob.Digest)))));
        Assert.Empty(Directory.EnumerateFileSystemEntries(scratch["blobs/staging"]));
    }

    [Fact]
    public void A_store_that_was_never_used_is_empty_and_stays_unmade()
    {
        Assert.Empty(Open().List());
        Assert.Empty(Open().Prune().Removed);
        Assert.False(Directory.Exists(scratch["blobs"]));
    }

    [Fact]
    public void Names_that_are_not_blobs_are_left_alone()
    {
        var store = Open();
        Put(store, "x");
        Directory.CreateDirectory(scratch["blobs/sha256/zz"]);
        File.WriteAllText(scratch["blobs/sha256/zz/README"], "mine");
        store.Prune(DateTimeOffset.MaxValue);
        Assert.Empty(store.List());
        Assert.Equal("mine", File.ReadAllText(scratch["blobs/sha256/zz/README"]));
    }

    public void Dispose() => scratch.Dispose();

    private BlobDirectory Open(long most = 1 << 20, TimeProvider? time = null) =>
        new(new BlobOptions(scratch["blobs"]) { Most = new ByteSize(most) }, time ?? TimeProvider.System);

    private static StoredBlob Put(BlobDirectory store, string text)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return store.Put(content, long.MaxValue) ?? throw new UnreachableException("There is room.");
    }

    private static string Read(BlobDirectory store, Digest digest)
    {
        using var reader = new StreamReader(store.TryOpen(digest) ?? throw new UnreachableException("It is there."));
        return reader.ReadToEnd();
    }

    private sealed class SetTime : TimeProvider
    {
        private DateTimeOffset now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => now;

        public void Advance(TimeSpan by) => now += by;
    }

    private sealed class EndlessStream : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer)
        {
            buffer.Clear();
            return buffer.Length;
        }
    }

    /// <summary>Does something in the middle of being read.</summary>
    private sealed class ProbeStream(Action inTheMiddle) : ReadOnlyStream
    {
        private bool read;

        public override int Read(Span<byte> buffer)
        {
            if (read) return 0;
            read = true;
            inTheMiddle();
            "probe"u8.CopyTo(buffer);
            return 5;
        }
    }
}
