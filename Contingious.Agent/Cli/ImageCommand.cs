using System.CommandLine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image</c>: what can be done with imported images.</summary>
internal static class ImageCommand
{
    public static Command Build(IReadOnlyList<string> args) => new("image", "Look at imported images, name, check, mount and remove them.")
    {
        ImageListCommand.Build(args, "ls"),
        ImageInspectCommand.Build(args),
        ImageTagCommand.Build(args),
        ImageRemoveCommand.Build(args),
        ImagePruneCommand.Build(args),
        ImageVerifyCommand.Build(args),
        ImageMountCommand.Build(args),
        ImageUnmountCommand.Build(args),
    };

    public static Argument<string> Image() => new("image") { Description = "a name, name:tag, sha256:… or the first 12 digits of that", HelpName = "IMAGE" };

    /// <summary>For what only reads records, or writes names: any process of the account may.</summary>
    public static async Task<ImageStore> OpenAsync(IReadOnlyList<string> args, CancellationToken cancellation)
    {
        var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
        entry.BecomeAccount(args);
        return new ImageStore(entry.Layout.ImagesDirectory);
    }

    /// <summary>For what reads or removes files of other owners, or has to see what is mounted.</summary>
    public static async Task<(ImageStore Store, HostLayout Layout)> OpenInKeeperAsync(IReadOnlyList<string> args, CancellationToken cancellation)
    {
        var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
        await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
        return (new ImageStore(entry.Layout.ImagesDirectory), entry.Layout);
    }
}
