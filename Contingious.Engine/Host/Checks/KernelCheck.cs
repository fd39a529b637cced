using System.Globalization;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.Checks;

/// <summary>The kernel: 5.11 brought overlay mounts to user namespaces, 5.6 openat2(2).</summary>
internal static class KernelCheck
{
    private const string Check = "kernel";
    private const string Remedy = "sudo apt-get install linux-image-amd64, and boot it";
    private static readonly Version Oldest = new(5, 11);

    public static IEnumerable<Finding> Run(Examined host)
    {
        var release = host.Root.TryRead("/proc/sys/kernel/osrelease")?.Trim() ?? "";
        if (Parse(release) is not { } version) yield return Finding.Notice(Check, $"The kernel's release '{release}' has no version that can be read.", "uname -r");
        else if (version < Oldest) yield return Finding.Fatal(Check, $"The kernel {release} is older than {Oldest}.", Remedy);
        else yield return Finding.Ok(Check, $"The kernel is {release}.");

        if (host.Root.IsReal) yield return OpenAt2();
    }

    /// <summary>The first two numbers of a release such as <c>6.1.0-28-amd64</c>.</summary>
    internal static Version? Parse(string release)
    {
        var parts = release.Split('.', '-', '+');
        return parts.Length > 1
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var minor)
            ? new Version(major, minor)
            : null;
    }

    private static Finding OpenAt2()
    {
        try
        {
            using var root = DirectoryHandle.Open("/");
            root.OpenDirectory(".").Dispose();
            return Finding.Ok(Check, "openat2 is there.");
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOSYS or Errno.EPERM)
        {
            return Finding.Fatal(Check, $"openat2, without which no path of a submission is followed, is refused: {error.Message}.", Remedy);
        }
    }
}
