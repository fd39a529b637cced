using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.SetupActions;

/// <summary>
/// Makes a directory of the account's own in one cgroup hierarchy. Nothing else of the hierarchy is touched.
/// </summary>
/// <remarks>
/// v1: every file of the directory becomes the account's. v2: only those that the kernel says can be delegated
/// (cgroups(7), "Delegation"): the directory's limits stay with whoever is above it.
/// </remarks>
internal sealed record DelegateCgroup(string Mount, string Name, string Owner, bool Unified) : SetupAction
{
    private static readonly string[] Delegatable = ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"];

    /// <summary>Without them filled, no process can join the directory (cpuset(7)).</summary>
    private static readonly string[] CpusetFiles = ["cpuset.cpus", "cpuset.mems"];

    private string Path => $"{Mount}/{Name}";

    internal override string Key => $"cgroup {Path}";

    public override string Describe() => $"delegate the cgroup {Path} to {Owner}";

    public override string DescribeUndo() => Before is { Existed: true } before
        ? $"give the cgroup {Path} back to uid {before.Uid}"
        : $"remove the cgroup {Path}";

    internal override bool IsDone(SetupHost host)
    {
        if (host.Root.TryStatus(Path) is not { Kind: FileKind.Directory } found || !host.IsOwnedBy(Owner, found.Uid)) return false;
        using var directory = DirectoryHandle.Open(host.Root.At(Path));
        return FilesOf(host, directory).All(file => directory.TryStatus(file) is not { } status || host.IsOwnedBy(Owner, status.Uid))
            && CpusetFiles.All(file => Unified || host.Root.TryRead($"{Path}/{file}") is not { } text || text.Trim().Length > 0);
    }

    internal override PriorState Look(SetupHost host) => host.Root.TryStatus(Path) is { } found
        ? new PriorState(true) { Uid = found.Uid, Gid = found.Gid }
        : PriorState.Nothing;

    internal override Task ApplyAsync(SetupHost host, CancellationToken cancellation)
    {
        using (var parent = host.Root.OpenParent(Path))
        {
            if (parent.TryStatus(Bytes(Name)) is null) parent.CreateDirectory(Bytes(Name), 0x1ED /* 0755 */);
        }

        if (!Unified) FillCpuset(host);
        var (uid, gid) = host.IdsOf(Owner);
        SetOwner(host, uid, gid);
        return Task.CompletedTask;
    }

    internal override Task UndoAsync(SetupHost host, CancellationToken cancellation)
    {
        if (host.Root.TryStatus(Path) is null) return Task.CompletedTask;
        if (Before is { Existed: true } before)
        {
            SetOwner(host, before.Uid, before.Gid);
            return Task.CompletedTask;
        }

        using var parent = host.Root.OpenParent(Path);
        Remove(parent, Bytes(Name));
        return Task.CompletedTask;
    }

    private void FillCpuset(SetupHost host)
    {
        foreach (var file in CpusetFiles)
        {
            if (host.Root.TryRead($"{Path}/{file}")?.Trim() is "" && host.Root.TryRead($"{Mount}/{file}") is { } all)
            {
                File.WriteAllText(host.Root.At($"{Path}/{file}"), all);
            }
        }
    }

    private void SetOwner(SetupHost host, uint uid, uint gid)
    {
        using var directory = DirectoryHandle.Open(host.Root.At(Path));
        foreach (var file in FilesOf(host, directory))
        {
            if (directory.TryStatus(file) is not null) directory.SetOwner(file, uid, gid);
        }

        directory.SetOwner(uid, gid);
    }

    private IEnumerable<byte[]> FilesOf(SetupHost host, DirectoryHandle directory)
    {
        if (!Unified) return directory.Entries().Where(name => directory.TryStatus(name)?.Kind == FileKind.Regular);
        var listed = host.Root.Lines("/sys/kernel/cgroup/delegate");
        return (listed.Count > 0 ? listed : Delegatable).Select(Bytes);
    }

    /// <summary>A cgroup is removed by rmdir, its files with it; a cgroup below it must go first.</summary>
    private static void Remove(DirectoryHandle parent, byte[] name)
    {
        using (var directory = parent.OpenDirectory(name))
        {
            foreach (var child in directory.Entries().Where(child => directory.TryStatus(child)?.Kind == FileKind.Directory))
            {
                Remove(directory, child);
            }
        }

        parent.RemoveEmptyDirectory(name);
    }

    private static byte[] Bytes(string name) => Encoding.UTF8.GetBytes(name);
}
