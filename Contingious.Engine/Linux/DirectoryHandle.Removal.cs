using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>Removing trees that a submission made: neither memory, stack nor open files grow with their width or depth.</summary>
public sealed unsafe partial class DirectoryHandle
{
    private const int EntriesAtOnce = 4096;

    /// <summary>Below this, directories are moved to the top and removed there.</summary>
    private const int DeepestDescent = 64;

    /// <summary>Removes everything below this directory, following nothing and leaving no mount.</summary>
    public void RemoveContents() => RemoveContents(this, 0);

    /// <summary>Removes a whole tree by its name; nothing happens where there is none.</summary>
    public void RemoveTree(ReadOnlySpan<byte> name)
    {
        if (TryStatus(name) is not { } status) return;
        if (status.Kind != FileKind.Directory)
        {
            RemoveFile(name);
            return;
        }

        using (var tree = OpenForRemoval(name)) tree.RemoveContents();
        RemoveEmptyDirectory(name);
    }

    private void RemoveContents(DirectoryHandle top, int depth)
    {
        for (var names = Entries(EntriesAtOnce); names.Count > 0; names = Entries(EntriesAtOnce))
        {
            foreach (var name in names)
            {
                if (TryStatus(name) is not { } status) continue;
                if (status.Kind != FileKind.Directory)
                {
                    RemoveFile(name);
                }
                else if (depth == DeepestDescent)
                {
                    // Its turn comes again, near the top. Nobody can have foreseen the name, so nothing is in its way.
                    Rename(name, top, Encoding.ASCII.GetBytes($".removing-{Guid.NewGuid():N}"));
                }
                else
                {
                    using (var child = OpenForRemoval(name)) child.RemoveContents(top, depth + 1);
                    RemoveEmptyDirectory(name);
                }
            }
        }
    }

    private DirectoryHandle OpenForRemoval(ReadOnlySpan<byte> name)
    {
        var handle = OpenAt(name, ReadOnly | Directory, 0, Resolve.Beneath | Resolve.NoSymlinks | Resolve.NoCrossDevice);
        return new DirectoryHandle(handle, Show(name));
    }
}
