using System.Security.Cryptography;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class DecompressionTests
{
    public static TheoryData<string> Kinds => ["Gzip", "Zstd", "Xz"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_the_program_packs_is_unpacked_whatever_pieces_it_comes_in(string name)
    {
        var kind = Enum.Parse<LayerCompression>(name);
        byte[] content = [.. RandomNumberGenerator.GetBytes(20_000), .. new byte[3_000_000], .. RandomNumberGenerator.GetBytes(300_000)];
        var packed = await Packed.WithAsync(kind, content);
        foreach (var chunk in new[] { 1, 3, 1000, int.MaxValue }) Assert.Equal(content, Packed.Unpack(kind, packed, chunk));
        Assert.Equal(kind, Decompression.Sniff(packed));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Streams_behind_one_another_are_one(string name)
    {
        var kind = Enum.Parse<LayerCompression>(name);
        byte[] packed = [.. await Packed.WithAsync(kind, "one "u8.ToArray()), .. await Packed.WithAsync(kind, []), .. await Packed.WithAsync(kind, "two"u8.ToArray())];
        foreach (var chunk in new[] { 1, 2, 5, 17, int.MaxValue }) Assert.Equal("one two"u8.ToArray(), Packed.Unpack(kind, packed, chunk));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task B10_a_stream_that_is_cut_short_anywhere_is_refused(string name)
    {
        var kind = Enum.Parse<LayerCompression>(name);
        byte[] content = [.. RandomNumberGenerator.GetBytes(100), .. new byte[200]];
        var packed = await Packed.WithAsync(kind, content);
        for (var length = 0; length < packed.Length; length++) Assert.Throws<InvalidImageException>(() => Packed.Unpack(kind, packed[..length]));
        byte[] twice = [.. packed, .. packed];
        for (var length = packed.Length + 1; length < twice.Length; length++) Assert.Throws<InvalidImageException>(() => Packed.Unpack(kind, twice[..length]));
        Assert.Equal([.. content, .. content], Packed.Unpack(kind, twice));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task B10_anything_else_behind_the_last_stream_is_refused(string name)
    {
        var kind = Enum.Parse<LayerCompression>(name);
        var packed = await Packed.WithAsync(kind, "content"u8.ToArray());
        foreach (var garbage in new byte[][] { [0], [0, 0, 0], new byte[1022], [1], [0x1F], [0x1F, 0x8B], "garbage behind it"u8.ToArray(), [0x28, 0xB5], new byte[500_001] })
        {
            foreach (var chunk in new[] { 1, 7, packed.Length, int.MaxValue }) Assert.Throws<InvalidImageException>(() => Packed.Unpack(kind, [.. packed, .. garbage], chunk));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task B10_a_changed_byte_is_refused_or_is_one_that_means_nothing(string name)
    {
        var kind = Enum.Parse<LayerCompression>(name);
        var content = RandomNumberGenerator.GetBytes(400);
        var packed = await Packed.WithAsync(kind, content);
        for (var bit = 0; bit < packed.Length * 8; bit++)
        {
            var damaged = packed.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                Assert.Equal(content, Packed.Unpack(kind, damaged));
            }
            catch (InvalidImageException)
            {
                // As it should be; gzip's file name and time, and zstd's window, may differ and nothing is lost.
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Something_else_is_refused_by_the_name_of_what_it_should_be(string name) =>
        Assert.Contains(name.ToLowerInvariant(), Assert.Throws<InvalidImageException>(() => Packed.Unpack(Enum.Parse<LayerCompression>(name), "this is not compressed at all"u8.ToArray())).Message, StringComparison.Ordinal);

    [Fact]
    public async Task B8_a_header_that_wants_a_window_of_more_than_64_MiB_is_refused()
    {
        // Frames say so at once; the content is never asked for.
        foreach (var (log, isRead) in new[] { (26, true), (27, false), (31, false) })
        {
            var window = new byte[] { 0x28, 0xB5, 0x2F, 0xFD, 0x00, (byte)((log - 10) << 3), 0x01, 0x00, 0x00 };
            if (isRead) Assert.Empty(Packed.Unpack(LayerCompression.Zstd, window));
            else Assert.Contains("64 MiB", Assert.Throws<InvalidImageException>(() => Packed.Unpack(LayerCompression.Zstd, window)).Message, StringComparison.Ordinal);
        }

        Assert.Equal("x"u8.ToArray(), Packed.Unpack(LayerCompression.Xz, await Packed.WithAsync(LayerCompression.Xz, "x"u8.ToArray(), "--lzma2=preset=9")));
        var large = await Packed.WithAsync(LayerCompression.Xz, "x"u8.ToArray(), "--lzma2=preset=9,dict=128MiB");
        Assert.Contains("68 MiB", Assert.Throws<InvalidImageException>(() => Packed.Unpack(LayerCompression.Xz, large)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Skippable_frames_are_read_over_and_old_zstd_is_refused()
    {
        // As zstd:chunked layers have them.
        byte[] skippable = [0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
        var frame = await Packed.WithAsync(LayerCompression.Zstd, "x"u8.ToArray());
        foreach (var chunk in new[] { 1, 5, int.MaxValue }) Assert.Equal("xx"u8.ToArray(), Packed.Unpack(LayerCompression.Zstd, [.. skippable, .. frame, .. skippable, .. frame, .. skippable], chunk));
        Assert.Equal(LayerCompression.Zstd, Decompression.Sniff(skippable));
        Assert.Throws<InvalidImageException>(() => Packed.Unpack(LayerCompression.Zstd, [.. frame, .. skippable[..^1]]));
        Assert.Throws<InvalidImageException>(() => Packed.Unpack(LayerCompression.Zstd, [0x27, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0]));
    }

    [Fact]
    public async Task A_stream_that_cannot_seek_is_looked_at_and_still_whole()
    {
        foreach (var kind in Enum.GetValues<LayerCompression>())
        {
            var packed = await Packed.WithAsync(kind, "content"u8.ToArray());
            Assert.Equal(kind, Decompression.Sniff(new MemoryStream(packed), out var whole));
            using var reader = new StreamReader(Decompression.Open(whole, kind, "test"));
            Assert.Equal("content", await reader.ReadToEndAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(LayerCompression.None, Decompression.Sniff(new MemoryStream(), out var empty));
        Assert.Equal(0, empty.Read(new byte[1]));
    }
}
