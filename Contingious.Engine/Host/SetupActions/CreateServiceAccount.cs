namespace Contingious.Engine.Host.SetupActions;

/// <summary>Makes the account that the agent runs as: no password, no shell, no files of its own but the state directory.</summary>
internal sealed record CreateServiceAccount(string Account, string Home) : SetupAction
{
    internal override string Key => $"account {Account}";

    public override string Describe() => $"create the system account {Account} with home {Home} and no login shell";

    public override string DescribeUndo() => $"remove the account {Account}";

    internal override bool IsDone(SetupHost host) => host.Account is not null;

    internal override PriorState Look(SetupHost host) => new(host.Account is not null) { Content = GroupLine(host) };

    internal override async Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        var shell = host.Root.FindProgram("nologin") is null ? "/bin/false" : "/usr/sbin/nologin";
        await host.RunShadowAsync(
            "useradd",
            ["--system", "--user-group", "--home-dir", Home, "--no-create-home", "--shell", shell, Account],
            cancellation).ConfigureAwait(false);
        host.RefreshAccount();
    }

    internal override async Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        if (Before is not { Existed: false } before) return;
        if (HostAccounts.FindLocal(Account, host.Root) is not null)
        {
            await host.RunShadowAsync("userdel", [Account], cancellation).ConfigureAwait(false);
            host.RefreshAccount();
        }

        // userdel leaves the account's own group where login.defs(5) does not set USERGROUPS_ENAB.
        if (before.Content is null && GroupLine(host) is not null) await host.RunShadowAsync("groupdel", [Account], cancellation).ConfigureAwait(false);
    }

    private string? GroupLine(SetupHost host) =>
        host.Root.Lines("/etc/group").FirstOrDefault(line => line.StartsWith($"{Account}:", StringComparison.Ordinal));
}
