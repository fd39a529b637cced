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
        Assert.Equal((60000L, 60001L, -13L, 500_000_000u, 1), (entry.Uid, entry.Gid, entry.ModifySeconds, entry.ModifyNanoseconds, entry.Xattrs.Count));
    }

    [Fact]
    public void Xattrs_of_both_kinds_are_read_and_one_that_is_there_twice_is_one()
    {
        foreach (var isSchilyFirst in new[] { true, false })
        {
            (string, byte[])[] schily = [("SCHILY.xattr.user.a%20b", [0, 255, 10]), ("SCHILY.xattr.user.%3D%2541", B("gnu"))];
            (string, byte[])[] libarchive = [("LIBARCHIVE.xattr.user.a%20b", B("AA==")), ("LIBARCHIVE.xattr.user.c%FF", B("dmFsdWU"))];
            var entry = Read(new TarBuilder().Pax(isSchilyFirst ? [.. schily, .. libarchive] : [.. libarchive, .. schily]).File("f").Build()).Next();
            var read = entry?.Xattrs.Select(xattr => $"{Convert.ToHexStringLower(xattr.Name)}={Convert.ToHexStringLower(xattr.Value)}").Order(StringComparer.Ordinal);
            Assert.Equal(["757365722e3d253431=676e75", "757365722e612062=00ff0a", "757365722e63ff=76616c7565"], read);
        }
    }

    [Theory]
    [InlineData("SCHILY.xattr.", "v")]
    [InlineData("SCHILY.xattr.user.a\0b", "v")]
    [InlineData("LIBARCHIVE.xattr.user.a%00b", "AA==")]
    [InlineData("LIBARCHIVE.xattr.user.a", "!!!!")]
    [InlineData("LIBARCHIVE.xattr.user.a", "A")]
    public void An_xattr_that_cannot_be_is_refused(string key, string value) =>
        Assert.Throws<InvalidImageException>(() => Names(new TarBuilder().Pax((key, B(value))).File("f").Build()));

    [Fact]
    public void B8_more_xattrs_than_a_file_can_have_are_refused() =>
        Assert.Contains("1024", Assert.Throws<InvalidImageException>(() => Names(new TarBuilder().Pax([.. Enumerable.Range(0, 1025).Select(i => ($"SCHILY.xattr.user.{i}", B("v")))]).File("f").Build())).Message, StringComparison.Ordinal);

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
    public void B1_a_name_with_a_NUL_byte_is_refused_and_one_with_a_newline_is_a_name()
    {
        Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Pax(("path", B("a\0b"))).File("f").Build()));
        Assert.Equal(B("a\nb"), Read(new TarBuilder().Pax(("path", B("a\nb"))).File("f").Build()).Next()?.Name);
    }

    [Fact]
    public void B8_labels_without_end_are_refused_and_take_no_stack()
    {
        var one = new TarBuilder().Entry('V', B("label")).BuildWithoutEnd();
        var error = Assert.Throws<InvalidImageException>(() => Read([.. Enumerable.Repeat(one, 50_000).SelectMany(block => block)]).Next());
        Assert.Contains("volume labels", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_file_may_lack_what_fills_its_last_block()
    {
        var whole = new TarBuilder().File("f", new string('x', 600)).BuildWithoutEnd();
        foreach (var length in new[] { 512 + 600, 512 + 601, whole.Length - 1 })
        {
            var reader = Read(whole[..length]);
            Assert.Equal(600, reader.Next()?.Size);
            Assert.Null(reader.Next());
            Assert.Null(reader.Next());
        }
    }

    [Fact]
    public void Any_truncation_inside_an_entry_is_refused()
    {
        var whole = new TarBuilder().Pax(("path", B("p"))).File("f", new string('x', 600)).BuildWithoutEnd();
        for (var length = 1; length < 1024 + 512 + 600; length += 37)
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
    [InlineData('M', "volume")]
    [InlineData('D', "incremental")]
    [InlineData('N', "unknown type 0x4e")]
    [InlineData('S', "not GNU tar's")]
    public void Entry_types_that_are_not_understood_are_refused_by_name(char type, string message)
    {
        var error = Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Entry(type, B("the-name")).Build()));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("the-name", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_volume_label_is_skipped_with_what_is_said_of_it()
    {
        var report = new UnpackReport();
        var reader = Read(new TarBuilder().Pax(("path", B("other"))).Entry('V', B("label"), B("content")).File("f").Build(), report);
        Assert.Equal(B("f"), reader.Next()?.Name);
        Assert.Null(reader.Next());
        Assert.Contains("label", Assert.Single(report.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_global_header_is_read_over_and_reported_where_it_sets_more_than_a_comment()
    {
        var report = new UnpackReport();
        var reader = Read(new TarBuilder().Pax('g', ("comment", B("c0ffee"))).File("a").Pax('g', ("uid", B("7")), ("mtime", B("1"))).File("b").Build(), report);
        Assert.Equal((0L, 0L), (reader.Next()?.Uid, reader.Next()?.Uid));
        Assert.Equal(2, report.Count(Dropped.GlobalHeaders));
        Assert.EndsWith("uid, mtime", Assert.Single(report.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Access_lists_and_file_flags_are_reported()
    {
        var report = new UnpackReport();
        Assert.NotNull(Read(new TarBuilder().Pax(("SCHILY.acl.access", B("user::rwx")), ("SCHILY.fflags", B("nodump"))).File("f").Build(), report).Next());
        Assert.Equal(2, report.Count(Dropped.AccessLists));
    }

    [Fact]
    public void What_is_behind_the_end_is_counted_and_never_read_as_entries()
    {
        var report = new UnpackReport();
        var reader = Read([.. new TarBuilder().File("f").Build(), .. new byte[9000], .. "garbage"u8, .. new byte[70_000], .. new TarBuilder().File("hidden").BuildWithoutEnd()], report);
        Assert.Equal(B("f"), reader.Next()?.Name);
        Assert.Null(reader.Next());
        Assert.Null(reader.Next());
        Assert.True(report.Count(Dropped.BehindEnd) > 7 + 6);
        Assert.Contains("garbage", Assert.Single(report.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void One_block_of_zeros_is_the_end()
    {
        var report = new UnpackReport();
        var reader = Read([.. new TarBuilder().File("f").BuildWithoutEnd(), .. new byte[512], .. new TarBuilder().File("g").Build()], report);
        Assert.NotNull(reader.Next());
        Assert.Null(reader.Next());
        Assert.True(report.Count(Dropped.BehindEnd) > 0);
        Assert.Empty(Names(new byte[512]));
        Assert.Empty(Names([]));
        Assert.Throws<InvalidImageException>(() => Names(new byte[511]));
    }

    [Fact]
    public void An_end_behind_an_extended_header_is_refused() =>
        Assert.Throws<InvalidImageException>(() => Names(new TarBuilder().Pax(("path", B("p"))).Build()));

    [Theory]
    [InlineData("12.25", 12L, 250_000_000u)]
    [InlineData("12.", 12L, 0u)]
    [InlineData("12.0000000019", 12L, 1u)]
    [InlineData("-0.5", -1L, 500_000_000u)]
    [InlineData("-1.000000001", -2L, 999_999_999u)]
    [InlineData("-1.0000000001", -2L, 999_999_999u)]
    [InlineData("-1.9999999999", -2L, 0u)]
    [InlineData("-7", -7L, 0u)]
    [InlineData("", 1_700_000_000L, 0u)]
    public void A_time_of_pax_rounds_towards_the_past(string text, long seconds, uint nanoseconds)
    {
        var entry = Read(new TarBuilder().Pax(("mtime", B(text))).File("f").Build()).Next();
        Assert.Equal((seconds, nanoseconds), (entry?.ModifySeconds, entry?.ModifyNanoseconds));
    }

    [Fact]
    public void An_empty_value_takes_a_record_back()
    {
        var entry = Read(new TarBuilder().Pax(("path", B("p")), ("uid", B("7")), ("path", []), ("uid", [])).File("f", uid: 9).Build()).Next();
        Assert.Equal((9L, "f"), (entry?.Uid, System.Text.Encoding.UTF8.GetString(entry?.Name ?? [])));
    }

    [Fact]
    public void B1_an_entry_with_two_names_is_refused_and_one_with_the_same_twice_is_not()
    {
        Assert.Throws<InvalidImageException>(() => Names(new TarBuilder().Entry('L', B("l"), B("one\0")).Pax(("path", B("two"))).File("f").Build()));
        Assert.Equal(["one"], Names(new TarBuilder().Entry('L', B("l"), B("one\0")).Pax(("path", B("one"))).File("f").Build()));
    }

    [Theory]
    [InlineData('0')]
    [InlineData('7')]
    [InlineData('\0')]
    public void A_file_that_is_a_directory_by_its_name_has_no_content(char type)
    {
        Assert.Equal(TarEntryKind.Directory, Read(new TarBuilder().Entry(type, B("d/")).Build()).Next()?.Kind);
        Assert.Throws<InvalidImageException>(() => Names(new TarBuilder().Entry(type, B("d/"), B("content")).Build()));
        Assert.Throws<InvalidImageException>(() => Names(new TarBuilder().Pax(("size", B("7"))).Entry(type, B("d/"), B("content"), size: 0).Build()));
    }

    [Theory]
    [InlineData('1')]
    [InlineData('2')]
    [InlineData('3')]
    [InlineData('5')]
    public void Links_directories_and_devices_have_no_content_whatever_they_say(char type) =>
        Assert.Equal(["a", "b"], Names(new TarBuilder().Entry(type, B("a"), link: B("x"), size: 1 << 20).File("b").Build()));

    [Fact]
    public void Stars_prefix_ends_where_its_times_begin()
    {
        var prefix = new byte[163];
        B(new string('p', 131)).CopyTo(prefix, 0);
        B("11111111111 11111111111 ").CopyTo(prefix, 131);
        B("tar\0").CopyTo(prefix, 159);
        Assert.Equal([$"{new string('p', 131)}/n"], Names(new TarBuilder().Entry('0', B("n"), prefix: [.. prefix[..155], .. new byte[8], .. "tar\0"u8]).Build()));
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(long.MaxValue - 511)]
    [InlineData((1L << 62) + 1)]
    [InlineData(-1)]
    public void B8_a_size_that_overflows_is_refused(long size) =>
        Assert.Contains("size", Assert.Throws<InvalidImageException>(() => Names(new TarBuilder().Pax(("size", B($"{size}"))).File("f").Build())).Message, StringComparison.Ordinal);

    [Fact]
    public void A_base_256_number_of_more_than_63_bits_is_refused()
    {
        foreach (var (first, last, isRead) in new[] { (0x80, 7, true), (0xFF, 7, true), (0x81, 7, false), (0xBF, 7, false), (0xC0, 7, false), (0xFE, 7, false) })
        {
            var field = new byte[12];
            field.AsSpan().Fill((byte)(first == 0xFF ? 0xFF : 0));
            (field[0], field[11]) = ((byte)first, (byte)last);
            if (isRead) Assert.Equal(first == 0xFF ? -249 : 7, TarHeader.Number(field));
            else Assert.Throws<InvalidImageException>(() => TarHeader.Number(field));
        }
    }

    [Fact]
    public void A_negative_size_is_refused() =>
        Assert.Throws<InvalidImageException>(() => ReadAll(new TarBuilder().Entry('0', B("f"), size: -1).Build()));

    private static TarReader Read(byte[] archive, UnpackReport? report = null) => new(new MemoryStream(archive), ByteSize.FromMiB(1), report);

    private static List<string> Names(byte[] archive)
    {
        var (reader, names) = (Read(archive), new List<string>());
        while (reader.Next() is { } entry) names.Add(System.Text.Encoding.UTF8.GetString(entry.Name));
        return names;
    }

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
