using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>The names by which a layer hides entries of lower layers (OCI image-spec, layer.md).</summary>
internal static class Whiteout
{
    private static ReadOnlySpan<byte> Prefix => ".wh."u8;

    private static ReadOnlySpan<byte> Opaque => ".wh..wh..opq"u8;

    public static bool Is(ReadOnlySpan<byte> name) => name.StartsWith(Prefix);

    /// <summary>Everything of the lower layers in this directory is hidden.</summary>
    public static bool IsOpaque(ReadOnlySpan<byte> name) => name.SequenceEqual(Opaque);

    /// <summary>AUFS keeps files of its own, such as <c>.wh..wh.plnk</c>, which mean nothing to others.</summary>
    public static bool IsBookkeeping(ReadOnlySpan<byte> name) => name.StartsWith(".wh..wh."u8) && !IsOpaque(name);

    /// <summary>Whether AUFS's own files are anywhere on a path.</summary>
    public static bool IsBookkeeping(EntryPath path)
    {
        foreach (var range in path.Bytes.Split((byte)'/'))
        {
            if (IsBookkeeping(path.Bytes[range])) return true;
        }

        return false;
    }

    /// <summary>Whether a directory on a path has a whiteout's name.</summary>
    public static bool IsAbove(EntryPath path)
    {
        var parent = path.Parent.Bytes;
        foreach (var range in parent.Split((byte)'/'))
        {
            if (Is(parent[range])) return true;
        }

        return false;
    }

    /// <summary>The name that is hidden.</summary>
    /// <exception cref="InvalidImageException">It is none: empty, <c>.</c> or <c>..</c>.</exception>
    public static ReadOnlySpan<byte> Hidden(ReadOnlySpan<byte> name)
    {
        var hidden = name[Prefix.Length..];
        return hidden.IsEmpty || hidden.SequenceEqual("."u8) || hidden.SequenceEqual(".."u8)
            ? throw new InvalidImageException($"The layer has the whiteout '{NativePath.Display(name)}', which hides no name.")
            : hidden;
    }
}
