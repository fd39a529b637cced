using System.CommandLine;
using Contingious.Engine.Images;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image umount</c>: takes a mounted image away again.</summary>
internal static class ImageUnmountCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var what = new Argument<string>("what") { Description = "where it is mounted, or its name where it is mounted once", HelpName = "PATH|IMAGE" };
        var command = new Command("umount", "Take a mounted image away, and what was written to it.") { what };
        command.Aliases.Add("unmount");
        command.SetAction(async (parsed, cancellation) =>
        {
            var (_, layout) = await ImageCommand.OpenInKeeperAsync(args, cancellation).ConfigureAwait(false);
            var gone = new ImageMounts(layout).Unmount(parsed.GetRequiredValue(what));
            Console.WriteLine($"unmounted {gone.Name} from {gone.Path}");
        });
        return command;
    }
}
