using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

public sealed class LayerReaderTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly byte[] Tar = MakeTar();

    [Theory]
    [InlineData("None")]
    [InlineData("Gzip")]
    [InlineData("Zstd")]
    [InlineData("Xz")]
    public async Task A_layer_comes_through_whole_in_pieces_of_any_size(string compression)
    {
        var kind = Enum.Parse<LayerCompression>(compression);
        var packed = await Packed.WithAsync(kind, Tar);
        foreach (var piece in new[] { 512, 3_000, 1 << 20 })
        {
            using var layer = Open(packed, kind);
            Assert.Equal(Tar, ReadAll(layer, piece));
            layer.Finish(TestContext.Current.CancellationToken);
        }

        using var unread = Open(packed, kind);
        unread.Finish(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task B10_a_wrong_diff_id_is_found_at_the_end()
    {
        using var layer = Open(await Packed.WithAsync(LayerCompression.Zstd, Tar), LayerCompression.Zstd, diffId: Digest.Of("other"u8));
        ReadAll(layer, 100_000);
        Assert.Contains("diff id", Assert.Throws<InvalidImageException>(() => layer.Finish(default)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task B10_another_content_is_what_is_said_whatever_it_broke_first()
    {
        foreach (var kind in Enum.GetValues<LayerCompression>())
        {
            var packed = await Packed.WithAsync(kind, Tar);
            foreach (var at in new[] { 2, packed.Length / 2, packed.Length - 3 })
            {
                var damaged = packed.ToArray();
                damaged[at] ^= 0x55;
                using var layer = Open(damaged, kind, Digest.Of(packed));
                var found = Assert.Throws<InvalidImageException>(() =>
                {
                    ReadAll(layer, 5000);
                    layer.Finish(default);
                });
                if (found.Message.Contains("another content", StringComparison.Ordinal)) continue;
                Assert.Contains("another content", Assert.Throws<InvalidImageException>(() => layer.ThrowIfDamaged(found, default)).Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_blob_that_is_what_it_should_be_is_not_called_damaged()
    {
        var garbage = "not gzip at all"u8.ToArray();
        using var layer = Open(garbage, LayerCompression.Gzip);
        var found = Assert.Throws<InvalidImageException>(() => ReadAll(layer, 512));
        Assert.Contains("gzip", found.Message, StringComparison.Ordinal);
        layer.ThrowIfDamaged(found, TestContext.Current.CancellationToken);
        using var short_ = Open((await Packed.WithAsync(LayerCompression.Gzip, Tar))[..^4], LayerCompression.Gzip);
        Assert.Throws<InvalidImageException>(() => ReadAll(short_, 512));
    }

    [Fact]
    public async Task What_was_good_is_read_before_the_fault_behind_it()
    {
        var packed = await Packed.WithAsync(LayerCompression.Zstd, Tar);
        using var layer = Open([.. packed, 1], LayerCompression.Zstd);
        var content = new byte[Tar.Length];
        layer.ReadExactly(content);
        Assert.Equal(Tar, content);
        var first = Assert.Throws<InvalidImageException>(() => layer.Read(content));
        Assert.Same(first, Assert.Throws<InvalidImageException>(() => layer.Finish(default)));
    }

    [Fact]
    public async Task A_fault_of_the_disk_comes_through()
    {
        using var layer = Open(new Endless(failAt: 3 << 20), LayerCompression.None);
        await Within(() => Assert.Throws<IOException>(() => ReadAll(layer, 4096)));
    }

    [Fact]
    public Task Leaving_in_the_middle_ends_everything() => Within(() =>
    {
        var source = new Endless();
        using (var layer = Open(source, LayerCompression.None)) Assert.Equal(1, layer.Read(new byte[1]));
        Assert.True(source.BytesRead < 64 << 20, $"{source.BytesRead} bytes were read ahead");
        Assert.True(source.IsDisposed);
        Open(new Endless(), LayerCompression.None).Dispose();
    });

    [Fact]
    public async Task Frames_with_nothing_in_them_do_not_hold_it_up()
    {
        // A skippable frame of 4 GiB, and another one behind it.
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        using var layer = Open(new Endless([0x50, 0x2A, 0x4D, 0x18, 0xFF, 0xFF, 0xFF, 0xFF]), LayerCompression.Zstd, cancellation.Token);
        await Within(() => Assert.ThrowsAny<OperationCanceledException>(() => ReadAll(layer, 512)));
        await Within(layer.Dispose);
    }

    [Fact]
    public async Task A_read_that_waits_is_cancelled()
    {
        using var blocked = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        using var layer = Open(new Endless(until: blocked), LayerCompression.None, cancellation.Token);
        var error = Assert.ThrowsAny<OperationCanceledException>(() => ReadAll(layer, 512));
        Assert.Equal(cancellation.Token, error.CancellationToken);
        blocked.Set();
        await Within(layer.Dispose);
    }

    [Fact]
    public async Task Finishing_is_cancelled_too()
    {
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        using var layer = Open(new Endless(), LayerCompression.None);
        await Within(() => Assert.ThrowsAny<OperationCanceledException>(() => layer.Finish(cancellation.Token)));
    }

    internal static LayerReader Open(byte[] packed, LayerCompression kind, Digest? digest = null, Digest? diffId = null, ImportLimits? limits = null)
    {
        var blob = digest ?? Digest.Of(packed);
        var descriptor = new Descriptor { Digest = blob, Size = packed.Length };
        return new LayerReader(new VerifiedStream(new MemoryStream(packed), "layer", blob, packed.Length), new ResolvedLayer(descriptor, kind, diffId ?? Digest.Of(Tar)), limits ?? ImportLimits.Default);
    }

    private static LayerReader Open(Stream source, LayerCompression kind, CancellationToken cancellation = default)
    {
        var digest = Digest.Of("of no interest"u8);
        var limits = new ImportLimits { CompressionRatio = int.MaxValue, Unpacked = new(long.MaxValue) };
        return new LayerReader(new VerifiedStream(source, "layer", digest, long.MaxValue), new ResolvedLayer(new Descriptor { Digest = digest, Size = long.MaxValue }, kind, digest), limits, cancellation);
    }

    private static byte[] ReadAll(LayerReader layer, int piece)
    {
        using var content = new MemoryStream();
        var buffer = new byte[piece];
        while (layer.Read(buffer) is var count and > 0)
        {
            if (content.Length < 64 << 20) content.Write(buffer, 0, count);
        }

        return content.ToArray();
    }

    private static async Task Within(Action action) => await Task.Run(action).WaitAsync(Soon, TestContext.Current.CancellationToken);

    private static byte[] MakeTar()
    {
        var random = new Random(1);
        var tar = new TarBuilder();
        for (var i = 0; i < 200; i++)
        {
            var content = new byte[random.Next(60_000)];
            if (i % 3 != 0) random.NextBytes(content);
            tar.Entry('0', TarBuilder.Bytes($"file{i}"), content);
        }

        return tar.Build();
    }

    /// <summary>Content without an end: zeros behind a prefix.</summary>
    private sealed class Endless(byte[]? prefix = null, long failAt = long.MaxValue, ManualResetEventSlim? until = null) : ReadOnlyStream
    {
        private readonly byte[] prefix = prefix ?? [];

        public long BytesRead { get; private set; }

        public bool IsDisposed { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            until?.Wait();
            if (BytesRead >= failAt) throw new IOException("The disk is broken.");
            buffer.Clear();
            if (BytesRead == 0) prefix.CopyTo(buffer);
            BytesRead += buffer.Length;
            return buffer.Length;
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
