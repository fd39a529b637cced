using System.Text;
using Contingious.Agent.Cli;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Hostile;

/// <summary>The names of what is asked back are the submission's choice.</summary>
public sealed class ArtifactNameTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    public static TheoryData<byte[], string> Names() => new()
    {
        { "\x1b]0;pwn\a\n"u8.ToArray(), @"/\x1b]0;pwn\x07\x0a" },
        { [(byte)'a', 0xff, (byte)'b'], @"/a\xffb" },
        { "a\\b"u8.ToArray(), @"/a\x5cb" },
        { "\u202Etxt.exe"u8.ToArray(), @"/\xe2\x80\xaetxt.exe" },
        { "...\n.."u8.ToArray(), @"/...\x0a.." },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void A11_A_hostile_name_is_shown_escaped_and_its_bytes_come_along(byte[] name, string shown)
    {
        using (var root = DirectoryHandle.Open(scratch.Root)) root.CreateFile(name, 0x1A4).Dispose();
        var output = Assert.Single(Collect("*"));
        Assert.Equal((shown, OutputStatus.Returned), (output.Path, output.Status));
        Assert.Equal([(byte)'/', .. name], output.RawPath.ToArray());
        var report = new RunReport { Outcome = Outcome.Ok, Outputs = [output] };
        Assert.DoesNotContain(ReportRenderer.ToJson(report), character => character is '\x1b' or '\a' or '\u202e');
        var sent = JobResultCodec.Decode(JobResultCodec.Encode(new JobResult("a", 1, "b", report))).Report.Outputs[0];
        Assert.Equal((output.Path, output.RawPath.ToArray()), (sent.Path, sent.RawPath.ToArray()), (one, other) => one.Item1 == other.Item1 && one.Item2.AsSpan().SequenceEqual(other.Item2));
    }

    [Fact]
    public void A11_An_ordinary_name_comes_without_bytes_of_its_own()
    {
        File.WriteAllText(scratch["grüße .txt"], "x");
        var output = Assert.Single(Collect("*"));
        Assert.Equal(("/grüße .txt", 0), (output.Path, output.RawPath.Length));
    }

    [Fact]
    public async Task A11_What_is_written_for_the_caller_stays_in_its_directory_under_plain_names()
    {
        using var sentinel = new Sentinel();
        var folder = Directory.CreateDirectory(scratch["cwd"]).FullName;
        File.CreateSymbolicLink($"{folder}/link", $"{sentinel.Directory}/new");
        string[] paths = ["/a/out", "/b/out", "/.bashrc", "/-rf", @"/\x1b]0;pwn\x07", "/link", "/" + new string('é', 255), "/a/" + new string('é', 255) + "x"];
        var log = new StringWriter();
        var error = await Assert.ThrowsAsync<ContingiousException>(() => new OutputFolder(folder).SaveAsync([.. paths.Select((path, i) => OutputFile.Returned(path, 1, new[] { (byte)i }))], log));
        Assert.Contains("/link was not written", error.Message, StringComparison.Ordinal);
        var written = Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(["\\x1b]0;pwn\\x07", "\\x2d" + "rf", "\\x2e" + "bashrc", "link", "out", "out~2"], written[..6]);
        Assert.Equal(8, written.Distinct().Count());
        Assert.All(written, name => Assert.InRange(Encoding.UTF8.GetByteCount(name!), 1, 255));
        Assert.Equal([0], File.ReadAllBytes($"{folder}/out"));
        Assert.Equal([1], File.ReadAllBytes($"{folder}/out~2"));
        Assert.Contains("/b/out: Returned, 1 bytes, written as out~2", log.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\x1b', log.ToString());
        sentinel.AssertUntouched();
    }

    [Fact]
    public async Task A10_What_is_written_for_the_caller_carries_no_mode_of_the_submission_s()
    {
        File.WriteAllText(scratch["out"], "x");
        File.SetUnixFileMode(scratch["out"], UnixFileMode.SetUser | UnixFileMode.SetGroup | UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        var folder = Directory.CreateDirectory(scratch["cwd"]).FullName;
        await new OutputFolder(folder).SaveAsync(Collect("out"), TextWriter.Null);
        Assert.Equal((UnixFileMode)0, File.GetUnixFileMode($"{folder}/out") & ~(UnixFileMode)0x1B6);
    }

    [Fact]
    public async Task What_was_there_before_is_never_written_over()
    {
        File.WriteAllText(scratch["out"], "mine");
        await Assert.ThrowsAsync<ContingiousException>(() => new OutputFolder(scratch.Root).SaveAsync([OutputFile.Returned("/out", 1, new byte[1]), OutputFile.Returned("/other", 1, new byte[1])], TextWriter.Null));
        Assert.Equal("mine", File.ReadAllText(scratch["out"]));
        Assert.True(File.Exists(scratch["other"]));
    }

    public void Dispose() => scratch.Dispose();

    private IReadOnlyList<OutputFile> Collect(params string[] globs)
    {
        using var root = DirectoryHandle.Open(scratch.Root);
        return new OutputFiles("/", new OutputLimits(), new Dictionary<string, string>()).Collect(root, globs);
    }
}
