using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.SetupActions;

/// <summary>
/// Lets every user open /dev/net/tun, as distributions have it: slirp4netns gives a sandbox its network through it.
/// Opening it grants nothing by itself: the kernel asks for CAP_NET_ADMIN of the network namespace's own user namespace.
/// </summary>
internal sealed record OpenTunDevice : SetupAction
{
    public const string Path = "/dev/net/tun";
    private const uint Major = 10;
    private const uint Minor = 200;
    private const uint Mode = 0x1B6; // 0666

    internal override bool IsShared => true;

    internal override string Key => $"device {Path}";

    public override string Describe() =>
        Before is { Existed: true } before ? $"set the mode of {Path} from {SetupHost.Octal(before.Mode)} to 0666" : $"make the device {Path}, mode 0666";

    public override string DescribeUndo() =>
        Before is { Existed: true } before ? $"set the mode of {Path} back to {SetupHost.Octal(before.Mode)}" : $"remove the device {Path}";

    internal override bool IsDone(SetupHost host) =>
        host.Root.TryStatus(Path) is { Kind: FileKind.CharacterDevice } found && (found.Permissions & Mode) == Mode;

    internal override PriorState Look(SetupHost host) =>
        host.Root.TryStatus(Path) is { } found ? new PriorState(true) { Mode = found.Permissions } : PriorState.Nothing;

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        var path = host.Root.At(Path);
        if (host.Root.TryStatus(Path) is null) HostPath.MakeCharacterDevice(path, Mode, Major, Minor);
        File.SetUnixFileMode(path, (UnixFileMode)Mode);
        return Task.CompletedTask;
    }

    internal override Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        if (host.Root.TryStatus(Path) is null) return Task.CompletedTask;
        var path = host.Root.At(Path);
        if (Before is { Existed: true } before) File.SetUnixFileMode(path, (UnixFileMode)before.Mode);
        else File.Delete(path);
        return Task.CompletedTask;
    }
}
