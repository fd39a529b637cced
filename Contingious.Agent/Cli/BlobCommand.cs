using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Contingious.Agent.Configuration;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Engine.Storage.Blobs;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious blob</c>: outputs that were too large for a result.</summary>
internal static class BlobCommand
{
    private static readonly TimeSpan forEver = TimeSpan.FromDays(365_000);

    public static Command Build(IReadOnlyList<string> args)
    {
        var directory = new Option<string?>("--directory") { Description = "another directory of blobs than the configured one", HelpName = "DIR", Recursive = true };
        return new Command("blob", "Read, list and remove outputs that were too large for a result.") { Cat(args, directory), List(args, directory), Prune(args, directory), directory };
    }

    private static Command Cat(IReadOnlyList<string> args, Option<string?> directory)
    {
        var digest = new Argument<string>("digest") { Description = "the output's blob, as its result has it", HelpName = "sha256:…" };
        var command = new Command("cat", "Write a blob to standard output, byte for byte.") { digest };
        command.SetAction(async (parsed, cancellation) =>
        {
            var text = parsed.GetRequiredValue(digest);
            if (!Digest.TryParse(text, out var wanted)) throw new ContingiousException($"{text} is no blob. It is sha256: and 64 hexadecimal digits.");
            var store = await OpenAsync(args, parsed.GetValue(directory), cancellation).ConfigureAwait(false);
            var blob = store.TryOpen(wanted) ?? throw new ContingiousException($"No blob {wanted} is here: it was never stored by this agent, or it made room for others since. 'contingious blob ls' lists what is.");
            await using (blob.ConfigureAwait(false)) await CopyAsync(blob, wanted, cancellation).ConfigureAwait(false);
        });
        return command;
    }

    /// <summary>What is read is what was stored, or the command fails: a disk can forget.</summary>
    private static async Task CopyAsync(Stream blob, Digest wanted, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var output = Console.OpenStandardOutput();
        await using (output.ConfigureAwait(false))
        {
            var buffer = new byte[128 << 10];
            int read;
            while ((read = await blob.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
            {
                hash.AppendData(buffer, 0, read);
                await output.WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
            }
        }

        var found = Digest.FromHash(hash.GetHashAndReset());
        if (found != wanted) throw new ContingiousException($"The blob {wanted} is damaged: what was written has the digest {found}.");
    }

    private static Command List(IReadOnlyList<string> args, Option<string?> directory)
    {
        var json = ReportRenderer.JsonOption();
        var command = new Command("ls", "List the blobs, the oldest first.") { json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var store = await OpenAsync(args, parsed.GetValue(directory), cancellation).ConfigureAwait(false);
            var blobs = store.List();
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(blobs.Select(ListedBlob.Of).ToList(), CliJson.Default.ListListedBlob));
            else TextTable.Write(["BLOB", "SIZE", "STORED"], blobs.Select(Row));
        });
        return command;
    }

    private static IReadOnlyList<string> Row(StoredBlob blob) =>
        [blob.Digest.ToString(), new ByteSize(blob.Bytes).ToString(), blob.StoredAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)];

    private static Command Prune(IReadOnlyList<string> args, Option<string?> directory)
    {
        var olderThan = new OlderThanOption("remove all that was stored longer ago than this");
        var command = new Command("prune", "Remove blobs that are too old or too many by the configuration, which says nothing of another --directory, and what writers that died left behind.") { olderThan };
        command.SetAction(async (parsed, cancellation) =>
        {
            var store = await OpenAsync(args, parsed.GetValue(directory), cancellation).ConfigureAwait(false);
            var report = store.Prune(parsed.GetValue(olderThan) is { } age ? TimeProvider.System.GetUtcNow() - age : null);
            foreach (var blob in report.Removed) Console.WriteLine($"removed {blob.Digest}");
            if (report.Torn > 0) Console.WriteLine($"removed what {report.Torn} writers that died left");
            Console.WriteLine($"{report.Removed.Count} blobs removed, {new ByteSize(report.Removed.Sum(blob => blob.Bytes))}");
        });
        return command;
    }

    private static async Task<IBlobStore> OpenAsync(IReadOnlyList<string> args, string? directory, CancellationToken cancellation)
    {
        var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
        entry.BecomeAccount(args);
        var config = OperatorConfig.Read(entry.Layout);
        if (directory is not null) return StoreOf(Path.GetFullPath(directory), config);
        return config.Engine.Blobs
            ?? throw new ContingiousException($"No directory of blobs is configured: results.blobs.directory of /etc/{entry.Layout.Name}/config.json names one (docs/operating.md, Blobs).");
    }

    /// <summary>Of a directory that is not the configured one nobody said how much it may hold and for how long: nothing there is too old or too much by itself.</summary>
    internal static IBlobStore StoreOf(string directory, OperatorConfig config)
    {
        var configured = config.Values.FirstOrDefault(value => value.Key == SettingTable.BlobDirectory)?.Value;
        if (config.Engine.Blobs is { } store && configured is not null && Path.TrimEndingDirectorySeparator(directory) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(configured))) return store;
        return new BlobDirectory(new BlobOptions(directory) { Most = new ByteSize(long.MaxValue), Keep = forEver }, TimeProvider.System);
    }
}

/// <summary>A line of the list as JSON.</summary>
internal sealed record ListedBlob(string Digest, long Bytes, DateTimeOffset StoredAt)
{
    public static ListedBlob Of(StoredBlob blob) => new(blob.Digest.ToString(), blob.Bytes, blob.StoredAt);
}
