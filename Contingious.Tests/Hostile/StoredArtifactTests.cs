using System.Security.Cryptography;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Engine.Storage.Blobs;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Hostile;

/// <summary>Outputs of a real sandbox that go into a store of blobs, and how they are read again.</summary>
[Trait("Needs", "keeper")]
public sealed class StoredArtifactTests(EngineFixture fixture) : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    [Fact]
    public async Task R14_A_hundred_megabytes_of_a_submission_are_stored_whole()
    {
        var report = await RunAsync(
            "i=0; while [ $i -lt 100 ]; do head -c 1048575 /dev/zero; echo; i=$((i + 1)); done >big; mkfifo pipe; ln -s /etc/passwd link; echo small >small; md5sum big >/dev/null",
            Limits.Default with { Disk = ByteSize.FromMiB(150), FileSize = ByteSize.FromMiB(150), Memory = ByteSize.FromMiB(400), CpuTime = TimeSpan.FromSeconds(60), WallTime = TimeSpan.FromSeconds(120) });
        Assert.Equal(Outcome.Ok, report.Outcome);
        Assert.Equal(
            [("/work/big", OutputStatus.Stored), ("/work/link", OutputStatus.NotRegular), ("/work/pipe", OutputStatus.NotRegular), ("/work/small", OutputStatus.Returned)],
            report.Outputs.Select(output => (output.Path, output.Status)));
        Assert.False(report.OutputsTruncated);
        byte[] line = [.. new byte[1_048_575], (byte)'\n'];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < 100; i++) hash.AppendData(line);
        Assert.Equal(hash.GetHashAndReset(), report.Outputs[0].Sha256.ToArray());
        using var blob = Store.TryOpen(report.Outputs[0].Blob!.Value);
        Assert.Equal(report.Outputs[0].Sha256.ToArray(), SHA256.HashData(blob!));
    }

    [Fact]
    public async Task A_blob_is_read_listed_and_removed_by_the_command_line()
    {
        var report = await RunAsync("echo content >out", Limits.Default, inline: 0);
        var blob = Assert.Single(report.Outputs).Blob.ToString()!;
        Assert.Equal("content\n", (await BlobAsync("cat", blob)).Stdout);
        Assert.Contains(blob, (await BlobAsync("ls")).Stdout, StringComparison.Ordinal);
        Assert.Contains($"\"digest\": \"{blob}\"", (await BlobAsync("ls", "--json")).Stdout, StringComparison.Ordinal);
        Assert.Contains("0 blobs removed", (await BlobAsync("prune")).Stdout, StringComparison.Ordinal);
        Assert.Contains($"removed {blob}", (await BlobAsync("prune", "--older-than", "0s")).Stdout, StringComparison.Ordinal);
        var gone = await BlobAsync("cat", blob);
        Assert.Equal((125, ""), (gone.ExitCode, gone.Stdout));
        Assert.Contains("blob ls", gone.Stderr, StringComparison.Ordinal);
        Assert.Contains("is no blob", (await BlobAsync("cat", "sha256:../../etc/passwd")).Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_blob_that_the_disk_has_changed_is_written_and_the_command_fails()
    {
        var blob = Assert.Single((await RunAsync("echo content >out", Limits.Default, inline: 0)).Outputs).Blob!.Value;
        File.WriteAllText(scratch[$"blobs/sha256/{blob.Hex[..2]}/{blob.Hex[2..]}"], "other");
        var read = await BlobAsync("cat", blob.ToString());
        Assert.Equal((125, "other"), (read.ExitCode, read.Stdout));
        Assert.Contains("damaged", read.Stderr, StringComparison.Ordinal);
    }

    public void Dispose() => scratch.Dispose();

    private BlobDirectory Store => new(new BlobOptions(scratch["blobs"]), TimeProvider.System);

    private Task<CliResult> BlobAsync(params string[] args) => Cli.RunAsync(["blob", .. args, "--directory", scratch["blobs"]]);

    private async Task<RunReport> RunAsync(string script, Limits limits, long? inline = null)
    {
        _ = await fixture.EngineAsync();
        var store = Store;
        var options = TestedEngine.Options with { Blobs = store, InlineOutputs = new ByteSize(inline ?? OutputLimits.Default.TotalBytes.Bytes) };
        var engine = await SandboxEngine.OpenAsync(fixture.Layout, options, TimeProvider.System, NullLogger.Instance);
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", script], Limits = limits };
        var most = new BlobOptions("/unused").MostOutputs;
        return await engine.RunAsync(
            new RunRequest { Id = fixture.NewId(), Image = EngineFixture.ImageName, Steps = [step], Limits = limits, Outputs = ["**"], OutputLimits = most },
            TestContext.Current.CancellationToken);
    }
}
