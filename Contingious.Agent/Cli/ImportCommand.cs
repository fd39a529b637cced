using System.CommandLine;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Storage;
using Contingious.Importer;
using Contingious.Importer.Recipes;
using Contingious.Importer.Splitting;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious import</c>: cuts an image in two and keeps it, by a recipe's name or straight from a source.</summary>
internal static class ImportCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var what = new Argument<string>("image") { Description = $"a recipe's name (looked for in ${RecipeBook.Variable}, ./images and /usr/share/contingious/images), or a source: docker://HOST/NAME, oci:DIR, oci-archive:FILE, docker-archive:FILE, dir:DIR, containers-storage:NAME, buildah:CONTAINER, docker-daemon:NAME, rootfs-tar:FILE, containerfile:DIR, debian:SUITE[,PACKAGE…]", HelpName = "NAME|SOURCE" };
        var name = new Option<string?>("--name", "-n") { Description = "what to call it here, where a source is given", HelpName = "NAME[:TAG]" };
        var rules = new SplitOptions();
        var overrides = new OverrideOptions();
        var learn = new LearnOptions();
        var engine = new Option<CloneEngine?>("--clone-engine") { Description = "how a sandbox gets its rootfs: split copies what is editable, overlay lays a writable layer over the whole image (split)", HelpName = "split|overlay" };
        var noLayerCache = new Option<bool>("--no-layer-cache") { Description = "unpack every layer again, also those that an earlier import has left, and replace these" };
        var access = new SourceOptions();
        var quiet = new Option<bool>("--quiet", "-q") { Description = "print the image's id only" };
        var json = ReportRenderer.JsonOption();
        var command = new Command("import", "Import an image: fetch, verify, unpack, cut into an editable and a read-only rootfs, keep.") { what, name, engine, noLayerCache, quiet, json };
        access.AddTo(command);
        rules.AddTo(command);
        overrides.AddTo(command);
        learn.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            access.Check(parsed, parsed.GetRequiredValue(what));
            using var credentials = access.ReadCredentials(parsed, parsed.GetRequiredValue(what));
            await entry.EnterKeeperAsync(args, credentials, cancellation).ConfigureAwait(false);
            var request = access.Apply(parsed, Read(parsed.GetRequiredValue(what), parsed.GetValue(name)), credentials);
            request = SplitOptions.Apply(parsed, request) with { CloneEngine = parsed.GetValue(engine) ?? request.CloneEngine, NoLayerCache = parsed.GetValue(noLayerCache), Overrides = overrides.Read(parsed, request.Overrides) };
            var progress = new Lines(parsed.GetValue(quiet) ? TextWriter.Null : Console.Error);
            var store = new ImageStore(entry.Layout.ImagesDirectory);
            var importer = new ImageImporter(store, entry.Layout.StagingDirectory) { Layers = new LayerStore(entry.Layout.LayersDirectory) };
            var (image, learned) = await learn.ImportAsync(parsed, entry.Layout, request, progress, ready => importer.ImportAsync(ready, progress, cancellation), cancellation).ConfigureAwait(false);
            var split = learned is null ? request.Rules() : new RootfsSplit(learned.Rules);
            var report = new ImportReport(request.Name, image, Measure(entry.Layout, store, image, progress, cancellation), EditableParts.Largest(image, split), learned, progress.Warnings);
            report.Print(parsed.GetValue(json), parsed.GetValue(quiet));
        });
        return command;
    }

    // The image is imported whatever becomes of this.
    private static TimeSpan? Measure(HostLayout layout, ImageStore store, Image image, Lines progress, CancellationToken cancellation)
    {
        try
        {
            return CloneTrial.Measure(layout, store, image, TimeProvider.System, cancellation);
        }
        catch (Exception error) when (error is ContingiousException or IOException)
        {
            progress.Report($"warning: making a copy of it could not be timed: {error.Message}");
            return null;
        }
    }

    private static ImportRequest Read(string what, string? name)
    {
        // A recipe's name may have a tag but no transport in front.
        if (!ImportRequest.IsSource(what)) return Named(RecipeBook.Default().Find(what), name);
        if (name is null) throw new RejectedRequestException("--name", $"An image from {what} needs a name: add --name NAME.");
        return new ImportRequest { Name = ImageReference.Parse(name), Source = what };
    }

    private static ImportRequest Named(ImportRequest request, string? name) =>
        name is null ? request : request with { Name = ImageReference.Parse(name) };

    /// <summary>Progress in the order in which it is told; <see cref="Progress{T}"/> would hand it to the thread pool.</summary>
    private sealed class Lines(TextWriter to) : IProgress<string>
    {
        private const string Warning = "warning: ";

        private readonly List<string> warnings = [];

        public IReadOnlyList<string> Warnings => warnings;

        public void Report(string value)
        {
            to.WriteLine(TerminalText.Of(value));
            if (value.StartsWith(Warning, StringComparison.Ordinal)) warnings.Add(value[Warning.Length..]);
        }
    }
}
