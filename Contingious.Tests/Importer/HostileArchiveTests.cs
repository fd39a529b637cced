using System.Buffers.Binary;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;
using Contingious.Tests.Hostile;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

/// <summary>Archives that are made to hurt: they end with <see cref="InvalidImageException"/> or are unpacked, and touch nothing outside.</summary>
public sealed class HostileArchiveTests
{
    private const long TenGigabytes = 10L << 30;

    [Theory]
    [InlineData("Gzip")]
    [InlineData("Zstd")]
    public async Task B8_ten_gigabytes_of_zeros_in_a_few_megabytes_are_refused(string compression)
    {
        using var fixture = new ImportFixture();
        var kind = Enum.Parse<LayerCompression>(compression);
        var bomb = await BombAsync(kind);
        Assert.True(bomb.Length < 12 << 20, $"the bomb has {bomb.Length} bytes");
        fixture.Layout.Blob(bomb, kind == LayerCompression.Gzip ? LayoutBuilder.GzipLayer : "application/vnd.oci.image.layer.v1.tar+zstd", Digest.Of("never reached"u8)).Build();
        await fixture.AssertRefusedAsync("a decompression bomb", ImportStage.Unpack);
    }

    [Fact]
    public async Task B8_a_descriptor_that_lies_about_the_size_does_not_raise_the_ratio()
    {
        using var fixture = new ImportFixture();
        fixture.Layout.Blob(await BombAsync(LayerCompression.Zstd), "application/vnd.oci.image.layer.v1.tar+zstd", Digest.Of("x"u8), size: 1L << 34).Build();
        await fixture.AssertRefusedAsync("descriptor promises", ImportStage.Verify);
    }

    [Fact]
    public async Task B8_the_total_holds_for_every_compression()
    {
        foreach (var kind in new[] { LayerCompression.Gzip, LayerCompression.Zstd })
        {
            using var layer = LayerReaderTests.Open(await BombAsync(kind), kind, limits: new ImportLimits { Unpacked = ByteSize.FromMiB(300), CompressionRatio = int.MaxValue });
            var error = Assert.Throws<InvalidImageException>(() => layer.Finish(TestContext.Current.CancellationToken));
            Assert.Contains("more than 300 MiB", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Any_truncation_is_refused_or_ends_between_entries()
    {
        var whole = Everything();
        for (var length = 0; length < whole.Length; length++) ReadOrRefuse(whole[..length], $"length {length}");
    }

    [Fact]
    public void Any_change_is_refused_or_read_but_never_crashes()
    {
        var whole = Everything();
        for (var seed = 0; seed < 6000; seed++) ReadOrRefuse(Mutated(whole, new Random(seed)), $"seed {seed}");
    }

    [Fact]
    public void Any_change_is_unpacked_inside_the_rootfs_or_refused()
    {
        using var sentinel = new Sentinel();
        using var scratch = new ScratchDirectory();
        var whole = Everything(sentinel.Directory);
        for (var seed = 0; seed < 400; seed++)
        {
            Directory.CreateDirectory(scratch["rootfs"]);
            using (var root = DirectoryHandle.Open(scratch["rootfs"]))
            {
                var changed = Mutated(whole, new Random(seed));
                var error = Record.Exception(() => new LayerUnpacker(root, ImportLimits.Default, new UnpackReport(), keepOwners: false).Apply(new MemoryStream(changed), TestContext.Current.CancellationToken));
                Assert.True(error is null or InvalidImageException, $"seed {seed}: {error}");
            }

            using var parent = DirectoryHandle.Open(scratch.Root);
            parent.RemoveTree("rootfs"u8);
        }

        sentinel.AssertUntouched();
        scratch.AssertNothingLeftIt();
    }

    private static void ReadOrRefuse(byte[] archive, string which)
    {
        try
        {
            var reader = new TarReader(new MemoryStream(archive), ByteSize.FromKiB(64), new UnpackReport());
            var buffer = new byte[1000];
            while (reader.Next() is not null)
            {
                while (reader.Read(buffer) > 0)
                {
                }
            }
        }
        catch (Exception error) when (error is not InvalidImageException)
        {
            throw new InvalidOperationException(which, error);
        }
        catch (InvalidImageException)
        {
            // As it should be.
        }
    }

    /// <summary>One of each kind of entry and header.</summary>
    private static byte[] Everything(string target = "/etc") => new TarBuilder()
        .Directory("d").File("d/f", "content").Symlink("d/out", target).HardLink("d/h", "d/f").File("d/out/secret", "no")
        .Pax('g', ("comment", "c"u8.ToArray()))
        .Pax(("path", "d/long"u8.ToArray()), ("mtime", "-1.5"u8.ToArray()), ("SCHILY.xattr.user.a%3D", "v"u8.ToArray()), ("LIBARCHIVE.xattr.user.b%20", "dg"u8.ToArray())).File("short", "x")
        .Entry('L', "l"u8.ToArray(), "d/gnu\0"u8.ToArray()).Entry('K', "l"u8.ToArray(), "f\0"u8.ToArray()).Symlink("n", "n")
        .Pax(("GNU.sparse.major", "1"u8.ToArray()), ("GNU.sparse.minor", "0"u8.ToArray()), ("GNU.sparse.name", "d/s"u8.ToArray()), ("GNU.sparse.realsize", "9000"u8.ToArray()))
        .Entry('0', "s"u8.ToArray(), [.. "2\n512\n3\n4096\n1\n"u8, .. new byte[512 - 15], .. "abcd"u8])
        .Entry('S', "o"u8.ToArray(), "abc"u8.ToArray(), gnu: [.. "00000001000\000000000003\0"u8, .. new byte[73], .. "00000010000\0"u8])
        .File("d/.wh.h").Entry('6', "d/fifo"u8.ToArray())
        .Build();

    /// <summary>Some bytes are changed, cut out, doubled or moved; and checksums are made right again, or nothing would get past them.</summary>
    private static byte[] Mutated(byte[] whole, Random random)
    {
        var bytes = new List<byte>(whole);
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var (from, length) = (random.Next(bytes.Count), random.Next(1, 40));
            length = Math.Min(length, bytes.Count - from);
            switch (random.Next(6))
            {
                case 0:
                    bytes[from] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[from] = (byte)"0179/.=\n\0 \u0080gxLKSVD"[random.Next(18)];
                    break;
                case 2:
                    bytes.RemoveRange(from, length);
                    break;
                case 3:
                    bytes.InsertRange(from, bytes.GetRange(from, length));
                    break;
                case 4:
                    var block = from / 512 * 512;
                    bytes.InsertRange(random.Next(bytes.Count / 512) * 512, bytes.GetRange(block, Math.Min(512, bytes.Count - block)));
                    break;
                default:
                    for (var at = from; at < from + length; at++) bytes[at] = (byte)random.Next(256);
                    break;
            }
        }

        var mutated = bytes.ToArray();
        for (var at = 0; at + 512 <= mutated.Length; at += 512) if (mutated.AsSpan(at + 257, 5).SequenceEqual("ustar"u8)) Sum(mutated.AsSpan(at, 512));
        return mutated;
    }

    private static void Sum(Span<byte> header)
    {
        header.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in header) sum += value;
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(header[148..]);
    }

    /// <summary>A file of zeros.</summary>
    private static async Task<byte[]> BombAsync(LayerCompression kind)
    {
        var header = new TarBuilder().Entry('0', "zeros"u8.ToArray(), size: TenGigabytes).BuildWithoutEnd();
        using var bomb = new MemoryStream();
        bomb.Write(await Packed.WithAsync(kind, header));
        if (kind == LayerCompression.Gzip)
        {
            var zeros = await Packed.WithAsync(kind, new byte[64 << 20]);
            for (var i = 0; i < TenGigabytes / (64 << 20); i++) bomb.Write(zeros);
            return bomb.ToArray();
        }

        // A frame of blocks that say "128 KiB of this byte", in four bytes each (RFC 8878, 3.1.1.2).
        bomb.Write([0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x38]);
        var block = new byte[4];
        for (var left = TenGigabytes / (128 << 10); left > 0; left--)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(block, (128u << 10 << 3) | (1 << 1) | (left == 1 ? 1u : 0));
            bomb.Write(block);
        }

        return bomb.ToArray();
    }
}
