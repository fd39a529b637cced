using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// Which entries the layer being applied has made, so that its whiteouts hide lower layers only
/// (OCI image-spec, layer.md: "files that are present in the same layer as a whiteout file can only be hidden by whiteout files in subsequent layers").
/// Kept by inode of the directory, so that a name reached through a symlink is the same name.
/// </summary>
internal sealed class LayerContents(DirectoryHandle root)
{
    private readonly ulong rootInode = root.Status().Inode;
    private readonly HashSet<(ulong Directory, string Name)> made = [];
    private readonly HashSet<ulong> touched = [];

    /// <summary>The layer made <paramref name="name"/>; it and the directories above are the layer's now.</summary>
    public void Add(DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        var inode = parent.Status().Inode;
        made.Add((inode, Encoding.Latin1.GetString(name)));
        Touch(parent, inode);
    }

    /// <summary>Removes what lower layers put under a name, and leaves what this layer made.</summary>
    public void RemoveLower(DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        if (parent.TryStatus(name) is not { } status) return;
        var isOurs = made.Contains((parent.Status().Inode, Encoding.Latin1.GetString(name)));
        if (status.Kind == FileKind.Directory && (isOurs || touched.Contains(status.Inode)))
        {
            using var directory = parent.OpenDirectory(name);
            RemoveLowerContents(directory);
        }
        else if (!isOurs)
        {
            parent.RemoveTree(name);
        }
    }

    public void RemoveLowerContents(DirectoryHandle directory)
    {
        foreach (var name in directory.Entries()) RemoveLower(directory, name);
    }

    private void Touch(DirectoryHandle directory, ulong inode)
    {
        if (!touched.Add(inode) || inode == rootInode) return;
        using var parent = directory.OpenParent();
        Touch(parent, parent.Status().Inode);
    }
}
