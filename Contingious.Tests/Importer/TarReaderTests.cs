using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class TarReaderTests
{
    [Fact]
    public void A_ustar_entry_is_read_with_its_prefix_and_content()
    {
        var reader = Read(new TarBuilder().Entry('0', B("name"), B("content"), mode: 0x1ED, uid: 7, gid: 8, mtime: 9, prefix: B("some/long/prefix")).Build());
        var entry = Assert.IsType<TarEntry>(reader.Next());
        Assert.Equal("some/long/prefix/name"u8.ToArray(), entry.Name);
        Assert.Equal((TarEntryKind.File, 7L, 0x1EDu, 7L, 8L, 9L), (entry.Kind, entry.Size, entry.Mode, entry.Uid, entry.Gid, entry.ModifySeconds));
        Assert.Equal(B("content"), Content(reader));
        Assert.Null(reader.Next());
    }

    [Fact]
    public void Content_that_is_not_read_is_skipped()
    {
        var reader = Read(new TarBuilder().File("first", new string('x', 5000)).File("second", "2").Build());
        Assert.Equal(B("first"), reader.Next()?.Name);
        Assert.Equal(B("second"), reader.Next()?.Name);
        Assert.Equal(B("2"), Content(reader));
    }

    [Fact]
    public void Names_are_bytes()
    {
        byte[] name = [(byte)'a', 0xFF, 0xC0, (byte)'\n', 0x1B];
        Assert.Equal(name, Read(new TarBuilder().Entry('0', name).Build()).Next()?.Name);
        Assert.Equal(name, Read(new TarBuilder().Pax(("path", name)).Entry('0', B("short")).Build()).Next()?.Name);
    }

    [Fact]
    public void Pax_records_override_the_header()
    {
        var name = B(new string('n', 300));
        var entry = Read(new TarBuilder()
            .Pax(("path", name), ("linkpath", B("to")), ("uid", B("60000")), ("gid", B("60001")), ("mtime", B("-12.5")), ("SCHILY.xattr.user.x", [1, 10, 255]))
            .Entry('2', B("short"), link: B("elsewhere")).Build()).Next();
        Assert.NotNull(entry);
        Assert.Equal(name, entry.Name);
        Assert.Equal(B("to"), entry.LinkName);
        Assert.Equal((60000L, 60001L, -12L, 500_000_000u, 1), (entry.Uid, entry.Gid, entry.ModifySeconds, entry.ModifyNanoseconds, entry.Xattrs.Count));
    }

    [Fact]
    public void Pax_sizes_are_used()
    {
        var reader = Read(new TarBuilder().Pax(("size", B("3"))).Entry('0', B("f"), B("abc"), size: 0).File("g").Build());
        Assert.Equal(3, reader.Next()?.Size);
        Assert.Equal(B("abc"), Content(reader));
        Assert.Equal(B("g"), reader.Next()?.Name);
    }

    [Fact]
    public void Gnu_long_names_and_links_are_read()
    {
        var (name, link) = (B(new string('n', 700)), B(new string('l', 600)));
        var entry = Read(new TarBuilder().Entry('L', B("././@LongLink"), [.. name, 0], magic: "ustar  \0").Entry('K', B("././@LongLink"), [.. link, 0], magic: "ustar  \0").Entry('2', B("n"), link: B("l"), magic: "ustar  \0").Build()).Next();
        Assert.Equal(name, entry?.Name);
        Assert.Equal(link, entry?.LinkName);
    }

    [Fact]
    public void Base_256_numbers_are_read()
    {
        var entry = Read(new TarBuilder().Entry('5', B("d"), uid: 3_000_000, mtime: -5).Build()).Next();
        Assert.Equal((3_000_000L, -5L), (entry?.Uid, entry?.ModifySeconds));
    }

    [Fact]
    public void An_old_file_with_a_slash_behind_its_name_is_a_directory() =>
        Assert.Equal(TarEntryKind.Directory, Read(new TarBuilder().Entry('\0', B("d/"), magic: "").Build()).Next()?.Kind);

    [Fact]
    public void An_archive_may_end_without_zero_blocks()
    {
        var reader = Read(new TarBuilder().File("f").BuildWithoutEnd());
        Assert.NotNull(reader.Next());
        Assert.Null(reader.Next());
    }

    [Fact]
    public void Any_truncation_inside_an_entry_is_refused()
    {
        var whole = new TarBuilder().Pax(("path", B("p"))).File("f", new string('x', 600)).BuildWithoutEnd();
        for (var length = 1; length < whole.Length; length += 37)
        {
            if (length % 512 == 0) continue;
            Assert.Throws<InvalidImageException>(() => ReadAll(whole[..length]));
        }
    }

    [Fact]
    public void Any_flipped_bit_of_a_header_is_refused_or_read_but_never_crashes()
    {
        var whole = new TarBuilder().Pax(("path", B("p"))).File("f", "content").Build();
        for (var bit = 0; bit < whole.Length * 8; bit += 5)
        {
            var damaged = whole.ToArray();
            damaged[bit / 8] ^= (byte)(1 << (bit % 8));
            _ = Record.Exception(() => ReadAll(damaged)) is var error && error is null or InvalidImageException
                ? true
                : throw new InvalidOperationException($"bit {bit}", error);
        }
    }

    [Fact]
    public void A_wrong_checksum_is_refused()
    {
        var whole = new TarBuilder().File("f").Build();
        whole[0] ^= 1;
        Assert.Contains("checksum", Assert.Throws<InvalidImageException>(() => ReadAll(whole)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData('x')]
    [InlineData('g')]
    [InlineData('L')]
    [InlineData('K')]
    public void B8_an_extended_header_beyond_the_limit_is_refused_before_it_is_read(char type) =>
        Assert.Contains("extended header", Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Entry(type, B("h"), size: 4L << 30).Build())).Message, StringComparison.Ordinal);

    [Fact]
    public void B8_many_small_extended_headers_add_up()
    {
        var builder = new TarBuilder();
        for (var i = 0; i < 3000; i++) builder.Entry('L', B("h"), B("n"));
        Assert.Throws<InvalidImageException>(() => ReadAll(builder.File("f").Build()));
    }

    [Theory]
    [InlineData("8 path=a\n")]
    [InlineData("path=a\n")]
    [InlineData("99999999999 path=a\n")]
    [InlineData("11 path=a\n")]
    [InlineData("7 =a\n\n\n")]
    [InlineData("12 uid=abcd\n")]
    [InlineData("10 path=\0\n")]
    [InlineData("-1 path=a\n")]
    public void A_malformed_pax_record_is_refused(string records) =>
        Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Entry('x', B("pax"), B(records)).File("f").Build()));

    [Theory]
    [InlineData('S')]
    [InlineData('V')]
    [InlineData('M')]
    public void Entry_types_that_are_not_understood_are_refused(char type) =>
        Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Entry(type, B("f")).Build()));

    [Fact]
    public void A_sparse_file_of_pax_is_refused() =>
        Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Pax(("GNU.sparse.major", B("1"))).File("f").Build()));

    [Fact]
    public void A_negative_size_is_refused() =>
        Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Entry('0', B("f"), size: -1).Build()));

    private static TarReader Read(byte[] archive) => new(new MemoryStream(archive), ByteSize.FromMiB(1));

    private static void ReadAll(byte[] archive)
    {
        var reader = Read(archive);
        while (reader.Next() is not null) _ = Content(reader);
    }

    private static byte[] Content(TarReader reader)
    {
        using var content = new MemoryStream();
        var buffer = new byte[100];
        int count;
        while ((count = reader.Read(buffer)) > 0) content.Write(buffer, 0, count);
        return content.ToArray();
    }

    private static byte[] B(string text) => TarBuilder.Bytes(text);
}
