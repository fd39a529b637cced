namespace Contingious.Engine.Host.SetupActions;

/// <summary>Keeps an account's systemd running while nobody is logged in (loginctl(1)): its cgroups live in it.</summary>
internal sealed record EnableLinger(string Account) : SetupAction
{
    private string Path => $"/var/lib/systemd/linger/{Account}";

    internal override string Key => $"linger {Account}";

    public override string Describe() => $"run loginctl enable-linger {Account}";

    public override string DescribeUndo() => $"run loginctl disable-linger {Account}";

    internal override bool IsDone(SetupHost host) => host.Root.TryStatus(Path) is not null;

    internal override PriorState Look(SetupHost host) => new(IsDone(host));

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation) =>
        host.RunSystemdAsync("loginctl", ["enable-linger", Account], cancellation);

    internal override Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        if (Before is not { Existed: false } || !IsDone(host)) return Task.CompletedTask;
        if (host.Account is not null) return host.RunSystemdAsync("loginctl", ["disable-linger", Account], cancellation);

        // loginctl knows nobody who is gone.
        File.Delete(host.Root.At(Path));
        return Task.CompletedTask;
    }
}
