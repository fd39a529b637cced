using Contingious.Engine;

namespace Contingious.Importer.Sources;

/// <summary>The directory that buildah builds from: a copy of the recipe's, with files of the host added.</summary>
internal static class BuildContext
{
    /// <summary>Copies regular files, directories and symlinks (as they are); anything else has no place in a context.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var entry in new DirectoryInfo(from).EnumerateFileSystemInfos())
        {
            var target = Path.Combine(to, entry.Name);
            if (entry.LinkTarget is { } link) File.CreateSymbolicLink(target, link);
            else if (entry is DirectoryInfo) Copy(entry.FullName, target);
            else if ((entry.Attributes & FileAttributes.Device) == 0) File.Copy(entry.FullName, target);
        }
    }

    /// <exception cref="RejectedRequestException">A name is not a plain file name.</exception>
    /// <exception cref="HostNotReadyException">A file is not on this host.</exception>
    public static void AddHostFiles(string context, IReadOnlyDictionary<string, string> hostFiles)
    {
        foreach (var (name, path) in hostFiles)
        {
            if (name is "" or "." or ".." || name.Contains('/', StringComparison.Ordinal)) throw new RejectedRequestException("hostFiles", $"'{name}' is not a plain file name.");
            if (!Path.IsPathRooted(path)) throw new RejectedRequestException("hostFiles", $"'{path}' is not an absolute path.");
            if (!File.Exists(path)) throw new HostNotReadyException($"The recipe takes {path} from this host, where it is missing. The recipe's README.md says which package has it.");
            File.Copy(path, Path.Combine(context, name));
        }
    }
}
