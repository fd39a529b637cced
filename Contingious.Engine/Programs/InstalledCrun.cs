using System.Globalization;
using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Programs;

/// <summary>
/// crun as the keeper sees it: where nobody can write. Started from there it takes its own word for it that a container cannot overwrite it; from anywhere else it first
/// copies itself into memory and starts once more, for every container (CVE-2019-5736), which is a fifth of what it needs for one.
/// </summary>
internal static class InstalledCrun
{
    /// <summary>The path to start crun by; its name, which the search path finds, where there is no such place.</summary>
    public static string In(HostLayout layout)
    {
        // AppArmor lets it make user namespaces by the path that it is installed at.
        if (ProgramRunner.Find(Crun.ProgramName) is not { } program || AppArmorProfiles.IsRestricting) return Crun.ProgramName;
        using var from = DirectoryHandle.Open(Path.GetDirectoryName(program) ?? "/");
        using var to = DirectoryHandle.Open(layout.PrivateDirectory);
        if (from.TryStatus(Encoding.UTF8.GetBytes(Path.GetFileName(program))) is not { Kind: FileKind.Regular } there) return Crun.ProgramName;

        // Another one is installed as another file, and is seen at a place of its own.
        var name = string.Create(CultureInfo.InvariantCulture, $"crun-{there.Device:x}-{there.Inode:x}");
        var path = $"{layout.PrivateDirectory}/{name}";
        bool IsSeen() => to.TryStatus(Encoding.UTF8.GetBytes(name)) is { } seen && (seen.Device, seen.Inode) == (there.Device, there.Inode);
        if (IsSeen()) return path;
        using var alone = FileLock.Exclusive(layout.PrivateDirectory);
        if (IsSeen()) return path;
        try
        {
            File.WriteAllBytes(path, []);
            Mounts.BindReadOnly(program, path);
            return path;
        }
        catch (LinuxException)
        {
            return Crun.ProgramName;
        }
    }
}
