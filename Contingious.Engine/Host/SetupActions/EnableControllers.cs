namespace Contingious.Engine.Host.SetupActions;

/// <summary>Lets the children of a v2 cgroup have controllers (cgroup.subtree_control). For hosts without systemd, which does it itself.</summary>
internal sealed record EnableControllers(string Mount, IReadOnlyList<string> Controllers) : SetupAction
{
    private string Path => $"{Mount}/cgroup.subtree_control";

    internal override bool IsShared => true;

    internal override string Key => $"controllers {Mount}";

    public override string Describe() => $"enable {string.Join(", ", Controllers)} in {Path}";

    public override string DescribeUndo() => $"disable {string.Join(", ", Added)} in {Path}, where no other cgroup uses it";

    private IEnumerable<string> Added => Controllers.Except(Before?.Controllers ?? []);

    internal override bool IsDone(SetupHost host) => !Controllers.Except(Enabled(host)).Any();

    internal override PriorState Look(SetupHost host) => new(true) { Controllers = Enabled(host) };

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        foreach (var controller in Controllers.Except(Enabled(host))) File.WriteAllText(host.Root.At(Path), $"+{controller}");
        return Task.CompletedTask;
    }

    internal override Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        foreach (var controller in Added.Intersect(Enabled(host)))
        {
            try
            {
                File.WriteAllText(host.Root.At(Path), $"-{controller}");
            }
            catch (IOException)
            {
                // EBUSY: somebody else's cgroup has come to rely on it, so it is no longer ours to take away.
            }
        }

        return Task.CompletedTask;
    }

    private string[] Enabled(SetupHost host) =>
        (host.Root.TryRead(Path) ?? "").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
}
