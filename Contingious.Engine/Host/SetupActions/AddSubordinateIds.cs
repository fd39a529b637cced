namespace Contingious.Engine.Host.SetupActions;

/// <summary>Gives the account a range of subordinate ids; the sandboxes' users are taken from it.</summary>
internal sealed record AddSubordinateIds(string Account, SubordinateKind Kind, long First, long Count) : SetupAction
{
    private string Path => SubordinateIds.PathOf(Kind);

    private string Line => $"{Account}:{First}:{Count}";

    internal override string Key => $"{Path} {Line}";

    public override string Describe() => $"add {Line} to {Path}";

    public override string DescribeUndo() => $"remove {Line} from {Path}";

    internal override bool IsDone(SetupHost host) => host.Root.Lines(Path).Contains(Line);

    internal override PriorState Look(SetupHost host) => new(host.Root.TryStatus(Path) is not null);

    internal override async Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        // usermod refuses where the file is missing.
        if (host.Root.TryStatus(Path) is null)
        {
            AtomicFile.Write(host.Root.At(Path), "", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        }

        await host.RunShadowAsync("usermod", Change("add"), cancellation).ConfigureAwait(false);
    }

    internal override async Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        // usermod would also take a part of a range that is not the line of ours.
        if (IsDone(host)) await host.RunShadowAtRestAsync("usermod", Change("del"), cancellation).ConfigureAwait(false);
        if (Before is { Existed: false } && host.Root.TryRead(Path) is "") File.Delete(host.Root.At(Path));
    }

    private string[] Change(string verb) => [Kind == SubordinateKind.Uid ? $"--{verb}-subuids" : $"--{verb}-subgids", $"{First}-{First + Count - 1}", Account];
}
