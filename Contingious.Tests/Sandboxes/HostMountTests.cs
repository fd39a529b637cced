using System.Text;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Sandboxes;

/// <summary>Directories of the host in a sandbox: what the operator allowed, as far as it was allowed.</summary>
[Trait("Needs", "keeper")]
public sealed class HostMountTests(EngineFixture fixture) : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    [Fact]
    public async Task A_directory_is_seen_read_only_unless_it_is_asked_for_and_allowed_writable()
    {
        await MakeAsync("data", "given");
        await MakeAsync("out", "old");
        File.SetUnixFileMode(scratch["out"], (UnixFileMode)0x1FF);
        var report = await RunAsync(
            "cat /data/sub/file /mnt/deep/file; touch /data/x 2>&1; echo new >/mnt/deep/made && cat /mnt/deep/made; ls -ld /mnt/deep | cut -c1-10",
            new HostMount($"{scratch["data"]}", "/data"), new HostMount($"{scratch["out"]}/sub", "/mnt/deep", Writable: true));
        Assert.Equal("givenoldtouch: /data/x: Read-only file system\nnew\ndrwxrwxrwx\n", Encoding.UTF8.GetString(Assert.Single(report.Steps).Stdout.Span));
        Assert.Equal("new\n", await File.ReadAllTextAsync($"{scratch["out"]}/sub/made", TestContext.Current.CancellationToken));
        Assert.False(File.Exists($"{scratch["data"]}/x"));
    }

    [Theory]
    [InlineData("/etc", "/data", false, "mounts[0].source", "not among")]
    [InlineData("@data", "/data", true, "mounts[0].writable", "read-only")]
    [InlineData("@data-and-more", "/data", false, "mounts[0].source", "not among")]
    [InlineData("@out/link", "/data", false, "mounts[0].source", "without a link")]
    [InlineData("@out/missing", "/data", false, "mounts[0].source", "no directory")]
    [InlineData("@data", "/proc/x", false, "mounts[0].target", "sandbox's own")]
    [InlineData("@data", "/io", false, "mounts[0].target", "sandbox's own")]
    [InlineData("@data", "/", false, "mounts[0].target", "sandbox's own")]
    public async Task What_is_not_allowed_is_refused_with_its_reason(string source, string target, bool writable, string field, string says)
    {
        await MakeAsync("data", "given");
        await MakeAsync("out", "old");
        Directory.CreateDirectory(scratch["data-and-more"]);
        Directory.CreateSymbolicLink($"{scratch["out"]}/link", "/etc");
        var report = await RunAsync("true", new HostMount(source.Replace("@", $"{scratch.Root}/", StringComparison.Ordinal), target, writable));
        Assert.Equal((Outcome.RejectedSpec, field), (report.Outcome, report.Field));
        Assert.Contains(says, report.Message, StringComparison.Ordinal);
    }

    public void Dispose() => scratch.Dispose();

    private async Task MakeAsync(string name, string content)
    {
        Directory.CreateDirectory($"{scratch[name]}/sub");
        foreach (var directory in new[] { scratch.Root, scratch[name] }) File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
        File.SetUnixFileMode($"{scratch[name]}/sub", (UnixFileMode)0x1FF);
        await File.WriteAllTextAsync($"{scratch[name]}/sub/file", content, TestContext.Current.CancellationToken);
    }

    private async Task<RunReport> RunAsync(string script, params HostMount[] mounts)
    {
        _ = await fixture.EngineAsync();
        var options = TestedEngine.Options with { Mounts = [new AllowedMount(scratch["data"], false), new AllowedMount(scratch["out"], true)] };
        var engine = await SandboxEngine.OpenAsync(fixture.Layout, options, TimeProvider.System, NullLogger.Instance);
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", script] };
        return await engine.RunAsync(new RunRequest { Id = fixture.NewId(), Image = EngineFixture.ImageName, Steps = [step], Mounts = mounts }, TestContext.Current.CancellationToken);
    }
}
