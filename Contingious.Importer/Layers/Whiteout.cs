using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>The names by which a layer hides entries of lower layers (OCI image-spec, layer.md).</summary>
internal static class Whiteout
{
    private static ReadOnlySpan<byte> Prefix => ".wh."u8;

    private static ReadOnlySpan<byte> Opaque => ".wh..wh..opq"u8;

    public static bool Is(byte[] name) => name.AsSpan().StartsWith(Prefix);

    /// <summary>Everything of the lower layers in this directory is hidden.</summary>
    public static bool IsOpaque(byte[] name) => name.AsSpan().SequenceEqual(Opaque);

    /// <summary>AUFS keeps files of its own, such as <c>.wh..wh.plnk</c>, which mean nothing to others.</summary>
    public static bool IsBookkeeping(byte[] name) => name.AsSpan().StartsWith(".wh..wh."u8) && !IsOpaque(name);

    /// <summary>The name that is hidden.</summary>
    /// <exception cref="InvalidImageException">It is none: empty, <c>.</c> or <c>..</c>.</exception>
    public static byte[] Hidden(byte[] name)
    {
        var hidden = name[Prefix.Length..];
        return hidden.Length == 0 || hidden.AsSpan().SequenceEqual("."u8) || hidden.AsSpan().SequenceEqual(".."u8)
            ? throw new InvalidImageException($"The layer has the whiteout '{NativePath.Display(name)}', which hides no name.")
            : hidden;
    }
}
