using System.Text;
using Contingious.Engine;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Sources;

/// <summary>The directory that buildah builds from: a copy of the recipe's, with files of the host added.</summary>
internal static class BuildContext
{
    /// <summary>Copies regular files, directories and symlinks (as they are).</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        using var directory = DirectoryHandle.Open(from);
        foreach (var name in directory.Entries())
        {
            var (source, target) = (Path.Combine(from, Encoding.UTF8.GetString(name)), Path.Combine(to, Encoding.UTF8.GetString(name)));
            switch (directory.TryStatus(name)?.Kind)
            {
                case FileKind.Directory:
                    Copy(source, target);
                    break;
                case FileKind.Regular:
                    File.Copy(source, target);
                    break;
                case FileKind.Symlink:
                    File.CreateSymbolicLink(target, Encoding.UTF8.GetString(directory.ReadLink(name)));
                    break;
                default:
                    throw new InvalidImageException($"{source} is neither a file, a directory nor a symlink and cannot be part of a build.");
            }
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
