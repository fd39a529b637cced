using System.Formats.Tar;
using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Wire;

public sealed class InputArchiveTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_archive_becomes_files_of_the_request(bool gzip)
    {
        var archive = Tar.Of(
            new PaxTarEntry(TarEntryType.Directory, "./"),
            new PaxTarEntry(TarEntryType.Directory, "./src/"),
            Tar.File("./src/main.c", "int main;"),
            Tar.File("run", "", (UnixFileMode)0b111_101_101),
            Tar.File(new string('d', 200) + "/" + new string('n', 200), "long"));
        var files = Decode("sub/", gzip ? Tar.Gzip(archive) : archive).Request.Files;

        Assert.Equal(["sub/src/main.c", "sub/run", $"sub/{new string('d', 200)}/{new string('n', 200)}"], files.Select(file => file.Path));
        Assert.Equal([false, true, false], files.Select(file => file.Executable));
        Assert.Equal(["int main;", "", "long"], files.Select(file => Encoding.UTF8.GetString(file.Content.Span)));
    }

    [Theory]
    [InlineData("--format=gnu")]
    [InlineData("--format=ustar")]
    [InlineData("--format=pax")]
    [InlineData("--format=v7")]
    public async Task What_tar_itself_makes_is_unpacked(string format)
    {
        var directory = Directory.CreateTempSubdirectory("contingious-tar-");
        try
        {
            var name = string.Join('/', Enumerable.Repeat("directory", format.EndsWith('7') ? 5 : 12));
            Directory.CreateDirectory(Path.Combine(directory.FullName, name));
            await File.WriteAllTextAsync(Path.Combine(directory.FullName, name, "naïve.txt"), "text");
            var made = await ProgramRunner.RequireAsync(new ProgramRequest("tar", "-C", directory.FullName, format, "-czf", "-", "."), default);
            var file = Assert.Single(Decode("/w", made.Stdout.ToArray()).Request.Files);
            Assert.Equal($"/w/{name}/naïve.txt", file.Path);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("../evil", "'..'")]
    [InlineData("a/../../evil", "'..'")]
    [InlineData("./../evil", "'..'")]
    [InlineData("/etc/passwd", "absolute")]
    public void A_name_that_leads_out_is_refused(string name, string reason) => AssertRefused(Tar.Of(Tar.File(name, "x")), reason, name);

    [Fact]
    public void A_directory_that_leads_out_is_refused() => AssertRefused(Tar.Of(new PaxTarEntry(TarEntryType.Directory, "a/../../b/")), "'..'", "a/../../b/");

    [Theory]
    [InlineData(TarEntryType.SymbolicLink)]
    [InlineData(TarEntryType.HardLink)]
    public void A_link_is_refused(TarEntryType type) =>
        AssertRefused(Tar.Of(Tar.File("ok", "x"), new PaxTarEntry(type, "link") { LinkName = "ok" }), $"is of type {type}", "link");

    [Theory]
    [InlineData(TarEntryType.Fifo)]
    [InlineData(TarEntryType.CharacterDevice)]
    [InlineData(TarEntryType.BlockDevice)]
    public void A_device_is_refused(TarEntryType type) => AssertRefused(Tar.Of(new PaxTarEntry(type, "dev")), $"is of type {type}", "dev");

    [Fact]
    public void The_name_of_a_refused_entry_is_escaped() => AssertRefused(Tar.Of(Tar.File("../\u001b[2J", "x")), "'../\\u{1b}[2J'", "");

    [Fact]
    public void A_name_that_is_not_UTF8_is_refused() => AssertRefused(Tar.Header('0', "0", "caf\u00e9"), "not UTF-8", "");

    [Fact]
    public void More_than_64_MiB_unpacked_is_refused_while_it_is_unpacked()
    {
        var bomb = Tar.Gzip([.. Tar.Header('0', Convert.ToString(300 << 20, 8)), .. new byte[300 << 20]]);
        Assert.InRange(bomb.Length, 1, 4 << 20);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertRefused(bomb, "64 MiB", "");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 24 << 20);
    }

    [Fact]
    public void The_bounds_hold_for_all_archives_of_a_job_together()
    {
        var large = Pack.M(("content", Tar.Gzip(Tar.Of(Tar.File("a", new string('x', 40 << 20))))));
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(Pack.Value(Samples.SmallJob.With("archives", new[] { large, large }))));
        Assert.Equal("archives[1]", refusal.Field);
    }

    [Fact]
    public void More_than_ten_thousand_entries_are_refused() =>
        AssertRefused(Tar.Gzip(Tar.Of([.. Enumerable.Range(0, 10_001).Select(i => Tar.File($"f{i}", ""))])), "10,000 entries", "");

    [Theory]
    [InlineData('x')]
    [InlineData('g')]
    [InlineData('L')]
    [InlineData('K')]
    [InlineData('0')]
    [InlineData('2')]
    [InlineData('5')]
    public void A_header_that_claims_a_gigabyte_is_refused_for_little(char type)
    {
        var message = Message("", [.. Tar.Header(type, "7777777777"), .. new byte[1024]]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<WireException>(() => JobCodec.Decode(message));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void An_extended_header_cannot_make_an_entry_longer_than_it_is()
    {
        var record = Encoding.UTF8.GetBytes("19 size=8589934591\n");
        byte[] archive = [.. Tar.Header('x', Convert.ToString(record.Length, 8)), .. record, .. new byte[512 - record.Length], .. Tar.Header('0', "1"), .. new byte[512]];
        var message = Message("", archive);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<WireException>(() => JobCodec.Decode(message));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is no archive at all")]
    [InlineData("\u001f\u008bnor is this")]
    public void What_is_no_archive_is_refused_or_empty(string text)
    {
        var content = Encoding.Latin1.GetBytes(text);
        if (content.Length == 0) Assert.Empty(Decode("", content).Request.Files);
        else AssertRefused(content, "archive", "");
    }

    private static byte[] Message(string path, byte[] content)
    {
        var archive = path.Length == 0 ? Pack.M(("content", content)) : Pack.M(("content", content), ("path", path));
        return Pack.Value(Samples.SmallJob.With("archives", new[] { archive }));
    }

    private static Job Decode(string path, byte[] content) => JobCodec.Decode(Message(path, content));

    private static void AssertRefused(byte[] content, string reason, string name)
    {
        var refusal = Assert.Throws<WireException>(() => Decode("", content));
        Assert.Equal(("archives[0]", "job-1"), (refusal.Field, refusal.JobId));
        Assert.Contains(reason, refusal.Reason, StringComparison.Ordinal);
        Assert.Contains(name, refusal.Reason, StringComparison.Ordinal);
    }
}
