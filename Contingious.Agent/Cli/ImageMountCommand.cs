using System.CommandLine;
using System.Text.Json;
using Contingious.Engine.Images;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious image mount</c>: an image put together at a path, to look around in.</summary>
internal static class ImageMountCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var image = new Argument<string?>("image") { Description = "what to mount; without it, what is mounted is listed", HelpName = "IMAGE", Arity = ArgumentArity.ZeroOrOne };
        var path = new Argument<string?>("path") { Description = "an empty directory (one is made where none is named)", HelpName = "PATH", Arity = ArgumentArity.ZeroOrOne };
        var writable = new Option<bool>("--writable", "-w") { Description = "let it be written; what is written is thrown away at umount" };
        var json = ReportRenderer.JsonOption();
        var command = new Command("mount", "Put an image together at a path inside the keeper's namespace, as its sandboxes see it, read-only. See it with: contingious unshare -- ls PATH") { image, path, writable, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            var (store, layout) = await ImageCommand.OpenInKeeperAsync(args, cancellation).ConfigureAwait(false);
            var mounts = new ImageMounts(layout);
            if (parsed.GetValue(image) is not { } named)
            {
                var all = mounts.List();
                if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(all.Select(ListedMount.Of).ToList(), CliJson.Default.ListListedMount));
                else TextTable.Write(["IMAGE", "ID", "WRITABLE", "PATH"], all.Select(mount => new[] { mount.Name, mount.Image.Short, mount.IsWritable ? "yes" : "no", mount.Path }));
                return;
            }

            // Held until the mount is there; from then on the mount is what keeps the image.
            await using var lease = store.Lease(store.Spell(named));
            var mounted = mounts.Mount(lease.Image with { Names = store.Find(lease.Image.Id.ToString()).Names }, parsed.GetValue(path), parsed.GetValue(writable));
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(ListedMount.Of(mounted), CliJson.Default.ListedMount));
                return;
            }

            Console.WriteLine(mounted.Path);
            await Console.Error.WriteLineAsync($"It is there inside the keeper's namespace only: contingious unshare -- ls {mounted.Path}").ConfigureAwait(false);
        });
        return command;
    }
}

internal sealed record ListedMount(string Image, string Name, string Path, bool Writable)
{
    public static ListedMount Of(MountedImage mounted) => new(mounted.Image.ToString(), mounted.Name, mounted.Path, mounted.IsWritable);
}
