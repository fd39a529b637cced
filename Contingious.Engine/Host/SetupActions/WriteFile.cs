namespace Contingious.Engine.Host.SetupActions;

/// <summary>Writes a configuration file of root's, mode 0644.</summary>
internal sealed record WriteFile(string Path, string Content) : SetupAction
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Whether systemd reads the file, and only when told so.</summary>
    public bool ReloadSystemd { get; init; }

    internal override string Key => $"file {Path}";

    public override string Describe() => $"{(Before is { Existed: true } ? "rewrite" : "write")} {Path}{Reload}";

    public override string DescribeUndo() => $"{(Before is { Existed: true } ? "restore" : "remove")} {Path}{Reload}";

    private string Reload => ReloadSystemd ? " and run systemctl daemon-reload" : "";

    internal override bool IsDone(SetupHost host) => host.Root.TryRead(Path) == Content;

    internal override PriorState Look(SetupHost host) => host.Root.TryStatus(Path) is { } found
        ? new PriorState(true) { Content = host.Root.TryRead(Path), Mode = found.Permissions }
        : PriorState.Nothing;

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        AtomicFile.Write(host.Root.At(Path), Content, Mode);
        return ReloadAsync(host, cancellation);
    }

    internal override Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        if (Before is { Existed: true, Content: { } content } before) AtomicFile.Write(host.Root.At(Path), content, (UnixFileMode)before.Mode);
        else if (host.Root.TryStatus(Path) is not null) File.Delete(host.Root.At(Path));
        return ReloadAsync(host, cancellation);
    }

    private Task ReloadAsync(SetupHost host, CancellationToken cancellation) =>
        ReloadSystemd ? host.RunSystemdAsync("systemctl", ["daemon-reload"], cancellation) : Task.CompletedTask;
}
