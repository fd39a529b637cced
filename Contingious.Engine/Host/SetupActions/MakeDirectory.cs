using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.SetupActions;

/// <summary>Makes a directory, or sets the owner and mode of one that is there.</summary>
/// <param name="Path">As the host has it.</param>
/// <param name="Mode">Twelve permission bits.</param>
/// <param name="Owner">root, or the account.</param>
internal sealed record MakeDirectory(string Path, uint Mode, string Owner) : SetupAction
{
    /// <summary>What is lost with the directory, for people.</summary>
    public string? Contents { get; init; }

    /// <summary>A directory of root's, and what is in it may be for other accounts too.</summary>
    internal override bool IsShared => Owner == "root";

    internal override string Key => $"directory {Path}";

    public override string Describe() =>
        $"{(Before is { Existed: true } ? "set" : "make")} the directory {Path}: mode {SetupHost.Octal(Mode)}, owner {Owner}";

    public override string DescribeUndo() => Before is { Existed: true } before
        ? $"set the directory {Path} back: mode {SetupHost.Octal(before.Mode)}, owner {before.Uid}"
        : $"remove the directory {Path}{(Contents is null ? "" : $" and all it holds: {Contents} will be lost")}";

    internal override bool IsDone(SetupHost host) =>
        host.Root.TryStatus(Path) is { Kind: FileKind.Directory } found && found.Permissions == Mode && host.IsOwnedBy(Owner, found.Uid);

    internal override PriorState Look(SetupHost host) => host.Root.TryStatus(Path) is { } found
        ? new PriorState(true) { Mode = found.Permissions, Uid = found.Uid, Gid = found.Gid }
        : PriorState.Nothing;

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        // The parent may be the account's own: its entries are never followed.
        using var parent = host.Root.OpenParent(Path);
        if (parent.TryStatus(Name) is null) parent.CreateDirectory(Name, 0x1C0 /* 0700 */);
        using var made = parent.OpenDirectory(Name);
        var (uid, gid) = host.IdsOf(Owner);
        made.SetOwner(uid, gid);
        made.SetMode(Mode);
        return Task.CompletedTask;
    }

    internal override Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        if (host.Root.TryStatus(Path) is null) return Task.CompletedTask;
        using var parent = host.Root.OpenParent(Path);
        if (Before is not { Existed: true } before)
        {
            if (Owner != "root") parent.RemoveTree(Name);
            else RemoveUnlessUsed(parent);
            return Task.CompletedTask;
        }

        using var found = parent.OpenDirectory(Name);
        found.SetOwner(before.Uid, before.Gid);
        found.SetMode(before.Mode);
        return Task.CompletedTask;
    }

    // Others may have put something of theirs into a directory of root's meanwhile.
    private void RemoveUnlessUsed(DirectoryHandle parent)
    {
        try
        {
            parent.RemoveEmptyDirectory(Name);
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOTEMPTY or Errno.EEXIST)
        {
            // It stays, and is theirs.
        }
    }

    private byte[] Name => Encoding.UTF8.GetBytes(System.IO.Path.GetFileName(Path));
}
