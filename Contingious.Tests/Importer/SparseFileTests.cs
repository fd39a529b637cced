using System.Text;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class SparseFileTests
{
    private static readonly SparseExtent[] TwoExtents = [new(512, 3), new(4096, 600)];
    private static readonly byte[] Stored = [.. "abc"u8, .. Enumerable.Repeat((byte)'d', 600)];

    [Fact]
    public void Gnus_old_format_is_read() => AssertRead(new TarBuilder().Entry('S', B("f"), Stored, gnu: Old([.. TwoExtents, new(8192, 0)], 8192)), 8192);

    [Fact]
    public void Gnus_old_format_goes_on_in_blocks_of_its_own()
    {
        var extents = Enumerable.Range(0, 60).Select(i => new SparseExtent(i * 1024L, 2)).ToList();
        var entry = AssertRead(new TarBuilder().Entry('S', B("f"), new byte[120], gnu: Old(extents[..4], 100_000, isExtended: true), behindHeader: Extension(extents[4..])), 100_000, extents, new byte[120]);
        Assert.Equal(60, entry.Sparse?.Count);
    }

    [Fact]
    public void Version_0_0_is_read() => AssertRead(
        new TarBuilder().Pax(("GNU.sparse.size", B("8192")), ("GNU.sparse.numblocks", B("2")), ("GNU.sparse.offset", B("512")), ("GNU.sparse.numbytes", B("3")), ("GNU.sparse.offset", B("4096")), ("GNU.sparse.numbytes", B("600")))
            .Entry('0', B("f"), Stored),
        8192);

    [Fact]
    public void Version_0_1_is_read() => AssertRead(
        new TarBuilder().Pax(("GNU.sparse.size", B("8192")), ("GNU.sparse.numblocks", B("2")), ("GNU.sparse.map", B("512,3,4096,600")), ("GNU.sparse.name", B("f"))).Entry('0', B("GNUSparseFile.1/f"), Stored),
        8192);

    [Fact]
    public void Version_1_0_is_read() => AssertRead(One("2\n512\n3\n4096\n600\n", Stored), 8192);

    [Fact]
    public void A_map_of_1_0_may_be_longer_than_a_block()
    {
        var extents = Enumerable.Range(0, 300).Select(i => new SparseExtent(i * 10_000L, 1)).ToList();
        AssertRead(One($"300\n{string.Concat(extents.Select(extent => $"{extent.Offset}\n{extent.Length}\n"))}", new byte[300], 3_000_000), 3_000_000, extents, new byte[300]);
    }

    [Fact]
    public void A_file_that_is_all_hole_has_no_extents()
    {
        AssertRead(One("1\n8192\n0\n", []), 8192, [], []);
        AssertRead(One("0\n", []), 8192, [], []);
        AssertRead(new TarBuilder().Pax(("GNU.sparse.size", B("8192")), ("GNU.sparse.numblocks", B("1")), ("GNU.sparse.map", B("8192,0"))).Entry('0', B("f")), 8192, [], []);
        AssertRead(new TarBuilder().Entry('S', B("f"), [], gnu: Old([], 8192)), 8192, [], []);
    }

    [Theory]
    [InlineData("2\n512\n3\n514\n600\n", "an overlap")]
    [InlineData("2\n4096\n3\n512\n600\n", "not ascending")]
    [InlineData("2\n512\n3\n4096\n601\n", "more than is stored")]
    [InlineData("2\n512\n3\n4096\n599\n", "less than is stored")]
    [InlineData("2\n512\n3\n7600\n600\n", "beyond the file's end")]
    [InlineData("2\n512\n3\n9223372036854775807\n600\n", "an overflow")]
    [InlineData("2\n512\n3\n99999999999999999999\n600\n", "no number")]
    [InlineData("2\n512\n-3\n4096\n600\n", "negative")]
    [InlineData("2\n512\n\n4096\n600\n", "an empty line")]
    [InlineData("3\n512\n3\n4096\n600\n", "one extent too few")]
    [InlineData("9223372036854775807\n512\n3\n4096\n600\n", "too many extents")]
    [InlineData("", "nothing")]
    public void A_map_that_no_tar_writes_is_refused(string map, string why) => Assert.NotNull(Refused(One(map, Stored), why));

    [Fact]
    public void Records_that_do_not_fit_together_are_refused()
    {
        foreach (var records in new (string, string)[][]
        {
            [("size", "8192")],
            [("map", "512,3,4096,600")],
            [("size", "-1"), ("map", "512,3,4096,600")],
            [("size", "8192"), ("map", "512,3,4096")],
            [("size", "8192"), ("map", "512,3,,600")],
            [("size", "8192"), ("map", "512,3,4096,600"), ("map", "512,3,4096,600")],
            [("size", "8192"), ("numblocks", "3"), ("map", "512,3,4096,600")],
            [("size", "8192"), ("numbytes", "603")],
            [("size", "8192"), ("offset", "0"), ("offset", "512"), ("numbytes", "603")],
            [("size", "8192"), ("offset", "0"), ("numbytes", "603"), ("offset", "1")],
            [("size", "8192"), ("map", "512,3,4096,600"), ("name", "a\0b")],
            [("size", "8192"), ("map", "512,3,4096,600"), ("name", "a/")],
            [("major", "1"), ("minor", "1"), ("realsize", "8192")],
            [("major", "x"), ("minor", "0"), ("realsize", "8192")],
        })
        {
            Refused(new TarBuilder().Pax([.. records.Select(record => ($"GNU.sparse.{record.Item1}", B(record.Item2)))]).Entry('0', B("f"), Stored), string.Join(", ", records));
        }

        Refused(new TarBuilder().Pax(("GNU.sparse.size", B("8")), ("GNU.sparse.map", B("8,0"))).Directory("d"), "a directory");
        Refused(new TarBuilder().Pax(("GNU.sparse.size", B("8192")), ("GNU.sparse.map", B("512,3,4096,600"))).Entry('S', B("f"), Stored, gnu: Old(TwoExtents, 8192)), "both formats");
        Refused(new TarBuilder().Entry('S', B("f"), Stored, gnu: Old([new(512, 3), new(0, 600)], 8192)), "old, not ascending");
        Refused(new TarBuilder().Entry('S', B("f"), Stored, gnu: Old(TwoExtents, 8192, isExtended: true)), "old, ended and going on");
        Refused(new TarBuilder().Entry('S', B("f/"), Stored, gnu: Old(TwoExtents, 8192)), "old, a directory by its name");
    }

    [Fact]
    public void B8_an_endless_map_is_refused()
    {
        var many = string.Concat(Enumerable.Range(0, 400_000).Select(i => $"{i}\n1\n"));
        Assert.Contains("larger than", Refused(One($"400000\n{many}", new byte[400_000], 1 << 30), "1.0").Message, StringComparison.Ordinal);
        var blocks = Enumerable.Range(0, 3000).SelectMany(i => Extension([.. Enumerable.Range(0, 21).Select(j => new SparseExtent((i * 21L) + j, 1))], isExtended: true)).ToArray();
        Assert.Contains("larger than", Refused(new TarBuilder().Entry('S', B("f"), [], size: 1 << 20, gnu: Old([new(0, 0), new(0, 0), new(0, 0), new(0, 0)], 1 << 30, isExtended: true), behindHeader: blocks), "old").Message, StringComparison.Ordinal);
    }

    private static TarEntry AssertRead(TarBuilder archive, long size, IReadOnlyList<SparseExtent>? extents = null, byte[]? stored = null)
    {
        var reader = Read(archive.File("next"));
        var entry = Assert.IsType<TarEntry>(reader.Next());
        Assert.Equal((TarEntryKind.File, "f", size), (entry.Kind, Encoding.UTF8.GetString(entry.Name), entry.Size));
        Assert.Equal(extents ?? TwoExtents, entry.Sparse);
        var content = new byte[(stored ?? Stored).Length + 1];
        var filled = 0;
        while (reader.Read(content.AsSpan(filled)) is var count and > 0) filled += count;
        Assert.Equal(stored ?? Stored, content[..filled]);
        Assert.Equal(B("next"), reader.Next()?.Name);
        Assert.Null(reader.Next());
        return entry;
    }

    private static InvalidImageException Refused(TarBuilder archive, string why)
    {
        var error = Record.Exception(() =>
        {
            var reader = Read(archive);
            while (reader.Next() is not null)
            {
            }
        });
        return error as InvalidImageException ?? throw new InvalidOperationException($"not refused: {why}", error);
    }

    private static TarReader Read(TarBuilder archive) => new(new MemoryStream(archive.Build()), ByteSize.FromMiB(1));

    private static TarBuilder One(string map, byte[] stored, long size = 8192)
    {
        var text = B(map);
        return new TarBuilder()
            .Pax(("GNU.sparse.major", B("1")), ("GNU.sparse.minor", B("0")), ("GNU.sparse.name", B("f")), ("GNU.sparse.realsize", B($"{size}")))
            .Entry('0', B("GNUSparseFile.1/f"), [.. text, .. new byte[-text.Length & 511], .. stored]);
    }

    /// <summary>What is at 386 of an old header.</summary>
    private static byte[] Old(IReadOnlyList<SparseExtent> extents, long size, bool isExtended = false) =>
        [.. Fields(extents, 4), (byte)(isExtended ? 1 : 0), .. B(Convert.ToString(size, 8).PadLeft(11, '0')), 0];

    private static byte[] Extension(IReadOnlyList<SparseExtent> extents, bool isExtended = false) => extents.Count <= 21
        ? [.. Fields(extents, 21), (byte)(isExtended ? 1 : 0), .. new byte[7]]
        : [.. Extension([.. extents.Take(21)], isExtended: true), .. Extension([.. extents.Skip(21)], isExtended)];

    private static byte[] Fields(IReadOnlyList<SparseExtent> extents, int room)
    {
        var fields = new byte[room * 24];
        for (var i = 0; i < extents.Count; i++)
        {
            B(Convert.ToString(extents[i].Offset, 8).PadLeft(11, '0')).CopyTo(fields, i * 24);
            B(Convert.ToString(extents[i].Length, 8).PadLeft(11, '0')).CopyTo(fields, (i * 24) + 12);
        }

        return fields;
    }

    private static byte[] B(string text) => TarBuilder.Bytes(text);
}
