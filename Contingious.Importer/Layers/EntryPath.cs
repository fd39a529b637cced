using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>
/// The name of a tar entry in its plain form: components between single slashes, no empty ones, no <c>.</c>, never <c>..</c>.
/// A leading slash means the rootfs; the rootfs itself is the empty path.
/// </summary>
internal readonly ref struct EntryPath
{
    private const int MaxLength = 4095;

    private readonly ReadOnlySpan<byte> path;

    private EntryPath(ReadOnlySpan<byte> path) => this.path = path;

    public bool IsRoot => path.IsEmpty;

    /// <summary>For openat2(2) in the rootfs.</summary>
    public ReadOnlySpan<byte> Bytes => path;

    /// <summary>The last component.</summary>
    public ReadOnlySpan<byte> Name => path[(path.LastIndexOf((byte)'/') + 1)..];

    /// <summary>The path of the directory that holds it.</summary>
    public EntryPath Parent => new(path[..Math.Max(path.LastIndexOf((byte)'/'), 0)]);

    /// <exception cref="InvalidImageException">The name walks through <c>..</c>, or is too long or too deep.</exception>
    public static EntryPath Parse(ReadOnlySpan<byte> name, int maxDepth)
    {
        if (name.Length > MaxLength) throw new InvalidImageException($"The tar archive has a name of {name.Length} bytes; {MaxLength} are allowed.");
        if (name.Contains((byte)0)) throw new InvalidImageException("The tar archive has a name with a NUL byte.");
        if (name.StartsWith("./"u8)) name = name[2..];
        if (name.EndsWith("/"u8)) name = name[..^1];
        var (depth, isPlain) = (0, true);
        foreach (var range in name.Split((byte)'/'))
        {
            var component = name[range];
            if (component.SequenceEqual(".."u8)) throw new InvalidImageException($"The tar archive has the name '{Show(name)}', which walks through '..'.");
            if (component.IsEmpty || component.SequenceEqual("."u8)) isPlain = false;
            else depth++;
        }

        if (depth > maxDepth) throw new InvalidImageException($"The tar archive has a path of {depth} components; {maxDepth} are allowed.");
        if (depth == 0) return default;
        return isPlain ? new EntryPath(name) : new EntryPath(Plain(name));
    }

    /// <summary>A name as a message shows it.</summary>
    public static string Show(ReadOnlySpan<byte> name)
    {
        var shown = NativePath.Display(name);
        return shown.Length <= 200 ? shown : shown[..200] + "…";
    }

    private static byte[] Plain(ReadOnlySpan<byte> name)
    {
        var (plain, length) = (new byte[name.Length], 0);
        foreach (var range in name.Split((byte)'/'))
        {
            var component = name[range];
            if (component.IsEmpty || component.SequenceEqual("."u8)) continue;
            if (length > 0) plain[length++] = (byte)'/';
            component.CopyTo(plain.AsSpan(length));
            length += component.Length;
        }

        return plain[..length];
    }
}
