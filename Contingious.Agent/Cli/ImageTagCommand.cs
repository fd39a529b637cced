using System.CommandLine;
using Contingious.Engine.Images;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image tag</c>: one more name for an image, or another image for a name.</summary>
internal static class ImageTagCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var image = ImageCommand.Image();
        var name = new Argument<string>("name") { Description = "its new name; one that is taken moves here", HelpName = "NAME[:TAG]" };
        var command = new Command("tag", "Give an image one more name. Jobs that run keep the image that they began with.") { image, name };
        command.SetAction(async (parsed, cancellation) =>
        {
            var wanted = Name(parsed.GetRequiredValue(name));
            var store = await ImageCommand.OpenAsync(args, cancellation).ConfigureAwait(false);
            var tagged = store.Tag(parsed.GetRequiredValue(image), wanted);
            Console.WriteLine($"{wanted}: {tagged.Id}");
        });
        return command;
    }

    private static ImageReference Name(string text) =>
        ImageReference.TryParse(text, out var name) ? name : throw new Engine.RejectedRequestException("name", $"'{text}' is not an image name. {ImageReference.Rule}");
}
