using System.Runtime.CompilerServices;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting;

/// <summary>What a clone of a tree occupies.</summary>
/// <param name="Bytes">Regular files, each rounded up to a page of 4 KiB, as a tmpfs or ext4 stores them.</param>
/// <param name="Files">Every entry: files, directories, links; the tree's root too.</param>
internal readonly record struct TreeSize(long Bytes, long Files)
{
    private const long Page = 4096;

    public static TreeSize Of(DirectoryHandle tree)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var (bytes, files) = (0L, 1L);
        foreach (var name in tree.Entries())
        {
            if (tree.TryStatus(name) is not { } status) continue;
            if (status.Kind == FileKind.Directory)
            {
                using var child = tree.OpenDirectory(name);
                var below = Of(child);
                (bytes, files) = (bytes + below.Bytes, files + below.Files);
                continue;
            }

            files++;
            if (status.Kind == FileKind.Regular) bytes += (status.Size + Page - 1) / Page * Page;
        }

        return new TreeSize(bytes, files);
    }
}
