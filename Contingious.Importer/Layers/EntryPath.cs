using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>The name of a tar entry as components: no empty ones, no <c>.</c>, never <c>..</c>. A leading slash means the rootfs.</summary>
internal static class EntryPath
{
    private const int MaxLength = 4095;

    /// <exception cref="InvalidImageException">The name walks through <c>..</c>, or is too long or too deep.</exception>
    public static List<byte[]> Split(ReadOnlySpan<byte> name, int maxDepth)
    {
        if (name.Length > MaxLength) throw new InvalidImageException($"The tar archive has a name of {name.Length} bytes; {MaxLength} are allowed.");
        if (name.Contains((byte)0)) throw new InvalidImageException("The tar archive has a name with a NUL byte.");
        var components = new List<byte[]>();
        foreach (var range in name.Split((byte)'/'))
        {
            var component = name[range];
            if (component.IsEmpty || component.SequenceEqual("."u8)) continue;
            if (component.SequenceEqual(".."u8)) throw new InvalidImageException($"The tar archive has the name '{Show(name)}', which walks through '..'.");
            components.Add(component.ToArray());
        }

        if (components.Count > maxDepth) throw new InvalidImageException($"The tar archive has a path of {components.Count} components; {maxDepth} are allowed.");
        return components;
    }

    /// <summary>For openat2(2) in the rootfs.</summary>
    public static byte[] Join(IReadOnlyList<byte[]> components, int count)
    {
        if (count == 0) return "."u8.ToArray();
        var path = new List<byte>(components[0]);
        for (var i = 1; i < count; i++)
        {
            path.Add((byte)'/');
            path.AddRange(components[i]);
        }

        return [.. path];
    }

    public static string Show(ReadOnlySpan<byte> name)
    {
        var shown = NativePath.Display(name);
        return shown.Length <= 200 ? shown : shown[..200] + "…";
    }
}
