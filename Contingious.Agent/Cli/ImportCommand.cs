using System.CommandLine;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Recipes;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious import</c>: cuts an image in two and keeps it, by a recipe's name or straight from a source.</summary>
internal static class ImportCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var what = new Argument<string>("image") { Description = $"a recipe's name (looked for in ${RecipeBook.Variable}, ./images and /usr/share/contingious/images), or a source: containerfile:DIR, oci:DIR, docker://…, docker-archive:FILE", HelpName = "NAME|SOURCE" };
        var name = new Option<string?>("--name", "-n") { Description = "what to call it here, where a source is given", HelpName = "NAME[:TAG]" };
        var editable = new Option<string[]>("--editable") { Description = "a path that submissions write (those of the recipe, or a sensible set)", HelpName = "PATH" };
        var readOnly = new Option<string[]>("--readonly") { Description = "a path inside an editable one that stays read-only", HelpName = "PATH" };
        var engine = new Option<CloneEngine?>("--clone-engine") { Description = "how a sandbox gets its rootfs: split copies what is editable, overlay lays a writable layer over the whole image (split)", HelpName = "split|overlay" };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "print the digest only" };
        var command = new Command("import", "Import an image: fetch, verify, unpack, cut into an editable and a read-only rootfs, keep.") { what, name, editable, readOnly, engine, quiet };
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
            var request = Read(parsed.GetRequiredValue(what), parsed.GetValue(name));
            if (parsed.GetValue(editable) is { Length: > 0 } paths) request = request with { Editable = paths };
            if (parsed.GetValue(readOnly) is { Length: > 0 } closed) request = request with { ReadOnly = closed };
            request = request with { CloneEngine = parsed.GetValue(engine) ?? request.CloneEngine };
            var progress = parsed.GetValue(quiet) ? null : new Lines();
            var importer = new ImageImporter(new ImageStore(entry.Layout.ImagesDirectory), entry.Layout.StagingDirectory);
            var image = await importer.ImportAsync(request, progress, cancellation).ConfigureAwait(false);
            Console.WriteLine(parsed.GetValue(quiet)
                ? image.Digest.ToString()
                : $"{request.Name}: {image.Digest}\n  {Cut(image)}");
        });
        return command;
    }

    private static string Cut(Image image) => image.CloneEngine switch
    {
        CloneEngine.Split => $"each submission copies {new ByteSize(image.EditableBytes)} in {image.EditableFiles} files; shared read-only: {string.Join(" ", image.ReadOnlyMounts)}",
        CloneEngine.Overlay => "each submission has an overlay over the whole image",
        _ => throw new InvalidOperationException($"{image.CloneEngine} is no clone engine."),
    };

    private static ImportRequest Read(string what, string? name)
    {
        // A recipe's name may have a tag but no scheme; a source always has one.
        if (!what.Contains(':', StringComparison.Ordinal)) return Named(RecipeBook.Default().Find(what), name);
        if (name is null) throw new RejectedRequestException("--name", $"An image from {what} needs a name: add --name NAME.");
        return new ImportRequest { Name = ImageReference.Parse(name), Source = what };
    }

    private static ImportRequest Named(ImportRequest request, string? name) =>
        name is null ? request : request with { Name = ImageReference.Parse(name) };

    /// <summary>Progress in the order in which it is told; <see cref="Progress{T}"/> would hand it to the thread pool.</summary>
    private sealed class Lines : IProgress<string>
    {
        public void Report(string value) => Console.Error.WriteLine(value);
    }
}
