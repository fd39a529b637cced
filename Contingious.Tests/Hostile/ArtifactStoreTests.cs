using System.Security.Cryptography;
using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Engine.Storage.Blobs;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Hostile;

/// <summary>Outputs that are too large for a result, with a store of blobs and without one.</summary>
public sealed class ArtifactStoreTests : IDisposable
{
    private const int Large = 100 << 20;

    private readonly ScratchDirectory scratch = new();
    private readonly BlobOptions options;

    public ArtifactStoreTests()
    {
        options = new BlobOptions(Path.Combine(Path.GetDirectoryName(scratch.Root)!, "blobs"));
    }

    [Fact]
    public void R14_A_hundred_megabytes_without_a_store_are_shortened_and_the_message_stays_below_its_cap()
    {
        WriteLarge("out");
        var (outputs, truncated) = Collect(OutputLimits.Default, store: null, "out");
        var output = Assert.Single(outputs);
        Assert.Equal((OutputStatus.Returned, (long)Large, true, true), (output.Status, output.Size, output.Truncated, truncated));
        Assert.InRange(Encode(outputs).Length, 1, (int)WireFormat.MaxResult.Bytes);

        // Whatever a job asks for.
        var asked = Assert.Single(Collect(options.MostOutputs, store: null, "out").Outputs);
        Assert.InRange(asked.Content.Length, 0, (int)OutputLimits.Default.TotalBytes.Bytes);
    }

    [Fact]
    public void R14_A_hundred_megabytes_are_stored_whole_and_never_held_in_memory()
    {
        var hash = WriteLarge("out");
        var store = new BlobDirectory(options, TimeProvider.System);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var (outputs, truncated) = Collect(options.MostOutputs, store, "out");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2 << 20);
        var output = Assert.Single(outputs);
        Assert.Equal((OutputStatus.Stored, (long)Large, false, false), (output.Status, output.Size, output.Truncated, truncated));
        Assert.Equal(hash, output.Sha256.ToArray());
        using var blob = store.TryOpen(output.Blob!.Value);
        Assert.Equal(hash, SHA256.HashData(blob!));

        var message = Encode(outputs);
        Assert.InRange(message.Length, 1, 2_000);
        var read = Assert.Single(JobResultCodec.Decode(message).Report.Outputs);
        Assert.Equal((OutputStatus.Stored, output.Blob, (long)Large), (read.Status, read.Blob, read.Size));
    }

    [Fact]
    public void R14_A_sparse_file_of_a_terabyte_is_stored_as_far_as_one_job_may_and_takes_no_room()
    {
        using (var sparse = File.Create(scratch["out"])) sparse.SetLength(1L << 40);
        var limits = options.MostOutputs with { FileBytes = ByteSize.FromMiB(200) };
        var (outputs, truncated) = Collect(limits, new BlobDirectory(options, TimeProvider.System), "out");
        var output = Assert.Single(outputs);
        Assert.Equal((OutputStatus.Stored, 1L << 40, true, true), (output.Status, output.Size, output.Truncated, truncated));
        Assert.Equal(SHA256.HashData(new byte[200 << 20]), output.Sha256.ToArray());
    }

    [Fact]
    public void R14_What_fits_stays_in_the_result_and_only_what_does_not_is_stored()
    {
        File.WriteAllBytes(scratch["a"], new byte[600]);
        File.WriteAllBytes(scratch["b"], new byte[500]);
        File.WriteAllBytes(scratch["c"], new byte[400]);
        var (outputs, truncated) = Collect(OutputLimits.Default, new BlobDirectory(options, TimeProvider.System), "*", inline: 1_000);
        Assert.Equal([OutputStatus.Returned, OutputStatus.Stored, OutputStatus.Returned], outputs.Select(output => output.Status));
        Assert.False(truncated);
    }

    [Fact]
    public void R14_The_total_that_a_job_may_have_bounds_what_is_stored_too()
    {
        File.WriteAllBytes(scratch["a"], new byte[600]);
        File.WriteAllBytes(scratch["b"], new byte[500]);
        var (outputs, truncated) = Collect(OutputLimits.Default with { TotalBytes = new ByteSize(1_000) }, new BlobDirectory(options, TimeProvider.System), "*", inline: 0);
        Assert.Equal([OutputStatus.Stored, OutputStatus.TooLarge], outputs.Select(output => output.Status));
        Assert.True(truncated);
    }

    [Fact]
    public void R14_A_file_of_two_names_is_stored_once()
    {
        File.WriteAllText(scratch["one"], "content");
        using (var root = DirectoryHandle.Open(scratch.Root)) root.CreateHardLink(root, "one"u8, "two"u8);
        var store = new BlobDirectory(options, TimeProvider.System);
        var (outputs, _) = Collect(OutputLimits.Default, store, "*", inline: 0);
        Assert.Equal([OutputStatus.Stored, OutputStatus.Stored], outputs.Select(output => output.Status));
        Assert.Equal(Digest.Of("content"u8), Assert.Single(store.List()).Digest);
    }

    [Fact]
    public async Task R14_Of_a_file_that_changes_while_it_is_stored_the_name_is_of_what_was_read()
    {
        var path = scratch["log"];
        await File.WriteAllBytesAsync(path, new byte[4 << 20], TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        var changing = Task.Run(
            () =>
            {
                using var log = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
                for (var n = 1; !stop.IsCancellationRequested; n++)
                {
                    log.SetLength((n * 77_777L) % (8 << 20));
                    log.Position = 0;
                    log.Write(Encoding.ASCII.GetBytes($"{n}"));
                    log.Flush();
                }
            },
            TestContext.Current.CancellationToken);
        var store = new BlobDirectory(options, TimeProvider.System);
        for (var i = 0; i < 20; i++)
        {
            var output = Assert.Single(Collect(OutputLimits.Default, store, "log", inline: 0).Outputs);
            if (output.Blob is not { } blob) continue;
            using var stored = store.TryOpen(blob);
            Assert.InRange(stored!.Length, 0, output.Size);
            Assert.Equal(output.Truncated, stored.Length < output.Size);
            Assert.Equal(Convert.FromHexString(blob.Hex), SHA256.HashData(stored));
        }

        await stop.CancelAsync();
        await changing;
    }

    public void Dispose() => scratch.Dispose();

    private static ReadOnlyMemory<byte> Encode(IReadOnlyList<OutputFile> outputs) =>
        JobResultCodec.Encode(new JobResult("j", 1, "a", new RunReport { Outcome = Outcome.Ok, Outputs = outputs }));

    private byte[] WriteLarge(string name)
    {
        var content = new byte[1 << 20];
        using var file = File.Create(scratch[name]);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < Large >> 20; i++)
        {
            Array.Fill(content, (byte)(i + 1));
            file.Write(content);
            hash.AppendData(content);
        }

        return hash.GetHashAndReset();
    }

    private (IReadOnlyList<OutputFile> Outputs, bool Truncated) Collect(OutputLimits limits, IBlobStore? store, string glob, long? inline = null)
    {
        using var root = DirectoryHandle.Open(scratch.Root);
        var files = new OutputFiles("/", limits, new Dictionary<string, string>()) { Blobs = store, InlineBytes = inline ?? OutputLimits.Default.TotalBytes.Bytes };
        return (files.Collect(root, [glob]), files.Truncated);
    }
}
