namespace Contingious.Engine.Host.SetupActions;

/// <summary>Lets rootlesskit and the runtime make user namespaces where AppArmor keeps unprivileged programs from it, and no profile of the host's lets them.</summary>
internal sealed record AllowUserNamespaces(IReadOnlyList<string> Programs) : SetupAction
{
    private const string Path = AppArmorProfiles.PathOfOurs;
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    internal override bool IsShared => true;

    internal override string Key => $"apparmor {Path}";

    public override string Describe() => $"write {Path}, which lets {string.Join(", ", Programs)} make user namespaces, and run apparmor_parser -r {Path}";

    public override string DescribeUndo() => $"run apparmor_parser -R {Path} and remove it";

    internal override bool IsDone(SetupHost host) => AppArmorProfiles.Lack(host.Root) is not { Loads: null or Path };

    internal override PriorState Look(SetupHost host) => host.Root.TryStatus(Path) is { } found
        ? new PriorState(true) { Content = host.Root.TryRead(Path), Mode = found.Permissions }
        : PriorState.Nothing;

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        AtomicFile.Write(host.Root.At(Path), AppArmorProfiles.Text(Programs), Mode);
        return ParseAsync(host, "-r", cancellation);
    }

    internal override async Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        if (host.Root.TryStatus(Path) is null) return;
        if (Before is { Existed: true, Content: { } content } before)
        {
            AtomicFile.Write(host.Root.At(Path), content, (UnixFileMode)before.Mode);
            await ParseAsync(host, "-r", cancellation).ConfigureAwait(false);
            return;
        }

        await ParseAsync(host, "-R", cancellation).ConfigureAwait(false);
        File.Delete(host.Root.At(Path));
    }

    private static Task ParseAsync(SetupHost host, string how, CancellationToken cancellation) => host.RunSystemdAsync("apparmor_parser", [how, Path], cancellation);
}
