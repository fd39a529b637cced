using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image verify</c>: reads images whole and compares them with what was imported.</summary>
internal static class ImageVerifyCommand
{
    private const int Different = 1;

    public static Command Build(IReadOnlyList<string> args)
    {
        var images = new Argument<string[]>("image") { Description = "names, name:tag, sha256:… or the first 12 digits of that", HelpName = "IMAGE", Arity = ArgumentArity.ZeroOrMore };
        var all = new Option<bool>("--all", "-a") { Description = "every image, those without a name too" };
        var json = ReportRenderer.JsonOption();
        var command = new Command("verify", "Read images whole, hash every file, and name whatever is not as it was imported. Exits with 1 where anything is.") { images, all, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(images) is { Length: > 0 } == result.GetValue(all)) result.AddError("Name images to verify, or say --all.");
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var (store, _) = await ImageCommand.OpenInKeeperAsync(args, cancellation).ConfigureAwait(false);
            var entries = parsed.GetValue(all) ? store.Entries() : [.. parsed.GetRequiredValue(images).Select(store.Find)];
            var verified = new List<VerifiedImage>();
            foreach (var entry in entries)
            {
                verified.Add(await VerifyAsync(store, entry, cancellation).ConfigureAwait(false));
                if (!parsed.GetValue(json)) Tell(verified[^1]);
            }

            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(verified, CliJson.Default.ListVerifiedImage));
            return verified.All(image => image.IsIntact) ? ExitCodes.Ok : Different;
        });
        return command;
    }

    private static async Task<VerifiedImage> VerifyAsync(ImageStore store, StoreEntry entry, CancellationToken cancellation)
    {
        if (entry.Image is null) return new VerifiedImage(entry.Title, entry.Id.ToString(), false, 0, 0, 1, [new ImageDifference("image.json", entry.Why)]);
        await using var lease = store.Lease(entry.Id.ToString());
        var found = await ImageVerification.OfAsync(lease.Image, cancellation).ConfigureAwait(false);
        return new VerifiedImage(entry.Title, entry.Id.ToString(), found.IsIntact, found.Entries, found.Bytes, found.Count, found.Differences);
    }

    private static void Tell(VerifiedImage image)
    {
        if (image.IsIntact)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{image.Name}: intact, {image.Entries} entries, {new ByteSize(image.Bytes)}"));
            return;
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{image.Name}: {image.DifferenceCount} differences"));
        foreach (var difference in image.Differences) Console.WriteLine($"  {difference.Path}: {difference.What}");
        if (image.DifferenceCount > image.Differences.Count) Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  and {image.DifferenceCount - image.Differences.Count} more"));
        Console.WriteLine("  mend it with: contingious import, of the same source and rules, with --no-layer-cache");
    }
}

internal sealed record VerifiedImage(string Name, string Id, bool IsIntact, long Entries, long Bytes, long DifferenceCount, IReadOnlyList<ImageDifference> Differences);
