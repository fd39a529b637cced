using System.Security.Cryptography;
using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>
/// The cgroups of an account that have sandboxes directly below them. With v1 there is one, which setup made. With v2 each systemd unit that runs jobs is
/// one: the agent's service, and the scope of a command that was started by hand. Each is written down where all of the account find it.
/// </summary>
public sealed class CgroupHomes
{
    private readonly HostLayout layout;
    private readonly CgroupMounts mounts;
    private readonly Cgroup? only;

    private CgroupHomes(HostLayout layout, CgroupMounts mounts)
    {
        this.layout = layout;
        this.mounts = mounts;
        only = mounts.HasV1 ? CgroupV1.OfAccount(mounts.V1, layout.CgroupName) : null;
    }

    /// <summary>Those of an account.</summary>
    public static CgroupHomes Of(HostLayout layout) => new(layout, CgroupMounts.Read());

    /// <summary>The one that this process makes its sandboxes' cgroups in. Works inside the keeper's namespaces.</summary>
    /// <exception cref="HostNotReadyException">This process is in no cgroup that was delegated, or in one that lacks a controller.</exception>
    public Cgroup OpenOwn()
    {
        if (only is not null) return only;
        if (mounts.Unified is not { } unified || mounts.IsLegacy) throw new HostNotReadyException($"The cgroup controllers of this host are neither all in v1 ({string.Join(", ", CgroupV1.Controllers)}) nor all in v2. 'contingious doctor' tells more.");
        var directory = DelegatedUnit.FindOwn(unified, layout, Credentials.EffectiveUid)
            ?? throw new HostNotReadyException($"This process is in no cgroup that was delegated to {layout.Account.Name}. {DelegatedUnit.Remedy(layout)}");
        var home = DelegatedUnit.Prepare(directory, layout);
        WriteDown(directory);
        return home;
    }

    /// <summary>Every one that exists.</summary>
    public IReadOnlyList<Cgroup> All() => only is not null ? [only] : [.. Directories().Select(CgroupV2.Delegated)];

    /// <summary>The cgroup of a sandbox by its name, wherever it is; nothing where there is none.</summary>
    public Cgroup? Find(string sandbox) => All().Select(home => home.Child(sandbox)).FirstOrDefault(cgroup => cgroup.Exists);

    /// <summary>Names of the cgroups of sandboxes.</summary>
    public IReadOnlyList<string> SandboxNames() =>
        [.. All().SelectMany(home => home.ChildNames()).Where(name => name.StartsWith(Model.SandboxId.Prefix, StringComparison.Ordinal)).Distinct()];

    /// <summary>The directories of cgroup v2 that were written down and are still the account's.</summary>
    internal IReadOnlyList<string> Directories()
    {
        if (only is not null || mounts.Unified is not { } unified) return [];
        return Directories(layout.CgroupHomesDirectory, unified.Path, HostPath.IsApartFromHost ? Credentials.EffectiveUid : layout.Account.Uid);
    }

    /// <summary>What is written there is the account's word, and root reads it: nothing but a directory that belongs to the account is taken.</summary>
    /// <param name="written">The directory of files that each name a cgroup.</param>
    /// <param name="unified">Where the unified hierarchy is mounted.</param>
    /// <param name="owner">The account's uid, as this process sees it.</param>
    internal static IReadOnlyList<string> Directories(string written, string unified, uint owner)
    {
        if (!Directory.Exists(written)) return [];
        var found = new List<string>();
        foreach (var file in Directory.EnumerateFiles(written).Where(path => !Path.GetFileName(path).StartsWith('.')).Order(StringComparer.Ordinal))
        {
            if (TryReadLine(file) is { } directory && IsBelow(unified, directory) && Belongs(directory, owner)) found.Add(directory);
        }

        return found;
    }

    private static bool IsBelow(string unified, string directory) =>
        !directory.Contains('\0') && directory.StartsWith($"{unified}/", StringComparison.Ordinal) && directory == Path.GetFullPath(directory);

    private static bool Belongs(string directory, uint owner)
    {
        try
        {
            return HostPath.TryStatus(directory) is { Kind: FileKind.Directory } status && status.Uid == owner;
        }
        catch (LinuxException)
        {
            return false; // Longer than a path can be, for one.
        }
    }

    /// <summary>Forgets those that are gone: a scope goes with its last process.</summary>
    internal void Prune()
    {
        if (only is not null || !Directory.Exists(layout.CgroupHomesDirectory)) return;
        foreach (var file in Directory.EnumerateFiles(layout.CgroupHomesDirectory))
        {
            if (TryReadLine(file) is { } directory && !Directory.Exists(directory)) File.Delete(file);
        }
    }

    private void WriteDown(string directory)
    {
        Directory.CreateDirectory(layout.CgroupHomesDirectory);
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)).AsSpan(0, 8));
        var file = $"{layout.CgroupHomesDirectory}/{name}";
        if (TryReadLine(file) == directory) return;
        var unfinished = $"{layout.CgroupHomesDirectory}/.{name}.{Environment.ProcessId}";
        File.WriteAllText(unfinished, $"{directory}\n");
        File.Move(unfinished, file, overwrite: true);
    }

    // Forgotten meanwhile, or not what we write.
    private static string? TryReadLine(string file) => AccountFile.TryRead(file) is { } content ? Encoding.UTF8.GetString(content).TrimEnd('\n') : null;
}
