using System.CommandLine;
using Contingious.Engine.Images;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image rm</c>: a name, and with the last one the image.</summary>
internal static class ImageRemoveCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var images = new Argument<string[]>("image") { Description = "a name, name:tag, sha256:… or the first 12 digits of that", HelpName = "IMAGE", Arity = ArgumentArity.OneOrMore };
        var command = new Command("rm", "Remove names of images. With its last name an image goes too, unless a job or a mount uses it: then 'image prune' removes it later.") { images };
        command.SetAction(async (parsed, cancellation) =>
        {
            var (store, layout) = await ImageCommand.OpenInKeeperAsync(args, cancellation).ConfigureAwait(false);
            foreach (var image in parsed.GetRequiredValue(images)) Tell(store.Remove(image));
            // Its files are theirs too: only now is there more room on the disk.
            _ = new LayerStore(layout.LayersDirectory).RemoveUnreferenced(store.DiffIds());
        });
        return command;
    }

    private static void Tell(ImageRemoval removal)
    {
        foreach (var name in removal.Names) Console.WriteLine($"removed the name {name}");
        Console.WriteLine(removal.IsImageRemoved ? $"removed {removal.Id}" : $"kept {removal.Id}: {removal.KeptBecause}");
    }
}
