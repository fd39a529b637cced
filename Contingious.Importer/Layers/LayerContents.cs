using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// What the layer being applied has made, so that its whiteouts hide lower layers only
/// (OCI image-spec, layer.md: "files that are present in the same layer as a whiteout file can only be hidden by whiteout files in subsequent layers").
/// Kept by inode, so that a name reached through a symlink is the same name, and a million of them take 16 MiB.
/// </summary>
/// <param name="isLowest">There is nothing below the layer: its whiteouts hide nothing, and nothing is kept.</param>
internal sealed class LayerContents(bool isLowest)
{
    public bool IsLowest => isLowest;

    /// <summary>The files that the layer made, and the directories that it made or has something in.</summary>
    private readonly InodeSet inodes = new();

    /// <summary>The names that the layer gave to files of lower layers.</summary>
    private readonly HashSet<(ulong Directory, string Name)> links = [];

    /// <summary>The layer made <paramref name="name"/>, or described it anew; it and the directories above are the layer's now.</summary>
    public void Add(HeldDirectory parent, ReadOnlySpan<byte> name)
    {
        if (isLowest) return;
        Touch(parent);
        if (parent.Handle.TryStatus(name) is { } status) inodes.Add(status.Inode);
    }

    /// <summary>The layer gave a file one more name.</summary>
    public void AddLink(HeldDirectory parent, ReadOnlySpan<byte> name, ulong inode)
    {
        if (isLowest) return;
        Touch(parent);
        if (!inodes.Contains(inode)) links.Add((parent.Inode, Encoding.Latin1.GetString(name)));
    }

    /// <summary>The layer made a directory, or described it anew.</summary>
    public void AddDirectory(HeldDirectory parent, HeldDirectory directory)
    {
        // First the directories above: its number may be known from one that the layer made and replaced, and then says nothing of these.
        Touch(parent);
        Touch(directory);
    }

    private void Touch(HeldDirectory directory)
    {
        if (isLowest || directory.IsTouched) return;
        directory.IsTouched = true;
        if (!inodes.Add(directory.Inode)) return;
        for (var above = directory.Handle.OpenParent(); ;)
        {
            // The directory above the rootfs is never reached: the rootfs itself is the layer's from the start.
            using var current = above;
            if (!inodes.Add(current.Status().Inode)) return;
            above = current.OpenParent();
        }
    }

    /// <summary>The rootfs itself is every layer's.</summary>
    public void AddRoot(DirectoryHandle root) => inodes.Add(root.Status().Inode);

    /// <summary>Removes what lower layers put under a name, and leaves what this layer made.</summary>
    public void RemoveLower(DirectoryHandle parent, ReadOnlySpan<byte> name)
    {
        if (isLowest || parent.TryStatus(name) is not { } status) return;
        var isOurs = inodes.Contains(status.Inode);
        if (status.Kind == FileKind.Directory && isOurs)
        {
            using var directory = parent.OpenDirectory(name);
            RemoveLowerContents(directory);
            directory.SetTimes(status.ModifySeconds, status.ModifyNanoseconds);
        }
        else if (!isOurs && !IsLink(parent, name))
        {
            parent.RemoveTree(name);
        }
    }

    public void RemoveLowerContents(DirectoryHandle directory)
    {
        if (isLowest) return;
        using var listing = directory.List();
        while (listing.Next() is { } name) RemoveLower(directory, name);
    }

    private bool IsLink(DirectoryHandle parent, ReadOnlySpan<byte> name) =>
        links.Count > 0 && links.Contains((parent.Status().Inode, Encoding.Latin1.GetString(name)));
}
