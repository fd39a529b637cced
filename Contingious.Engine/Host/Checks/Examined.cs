using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Host.Checks;

/// <summary>What the checks look at: a host and the account that it is to run sandboxes for.</summary>
internal sealed class Examined(HostRoot root, string accountName, HostAccount? account)
{
    private IReadOnlySet<uint>? groups;

    public HostRoot Root { get; } = root;

    public string AccountName { get; } = accountName;

    public HostAccount? Account { get; } = account;

    public ByteSize LeastFreeSpace { get; set; } = ByteSize.FromGiB(1);

    /// <summary>The runtime that is configured; nothing where that is not known here, and either will do.</summary>
    public RuntimeKind? Runtime { get; set; }

    /// <summary>The one that jobs are run with.</summary>
    public RuntimeKind UsedRuntime => Runtime ?? (Root.FindProgram("crun") is null && Root.FindProgram("runc") is not null ? RuntimeKind.Runc : RuntimeKind.Crun);

    /// <summary>The remedy of everything that setup does.</summary>
    public string Setup => $"sudo contingious setup{ForAccount}";

    /// <summary>The remedy of what only root may look at.</summary>
    public string AsRoot => $"sudo contingious doctor{ForAccount}";

    private string ForAccount => AccountName == HostLayout.ServiceAccount ? "" : $" --account {AccountName}";

    /// <summary>
    /// Whether the account may read and write what has this owner and mode. Worked out, not tried: the doctor may be root.
    /// </summary>
    public bool MayWrite(HostAccount account, FileStatus status)
    {
        groups ??= HostAccounts.GroupsOf(account, Root);
        var shift = status.Uid == account.Uid ? 6 : groups.Contains(status.Gid) ? 3 : 0;
        return ((status.Permissions >> shift) & 6) == 6;
    }
}
