using Contingious.Engine.Linux;

namespace Contingious.Importer.Layers;

/// <summary>The entries of a layer in their order: from its tar, or from the layer store.</summary>
internal interface ILayerEntries
{
    /// <summary>The next entry; nothing at the end. Content that nobody took is skipped.</summary>
    /// <exception cref="InvalidImageException">The layer is malformed or against a limit.</exception>
    TarEntry? Next();

    /// <summary>Makes the file of the current entry, with its content and everything that it has.</summary>
    /// <returns>False, with nothing done, where anything has that name.</returns>
    bool TryMake(TarEntry entry, DirectoryHandle parent, ReadOnlySpan<byte> name);
}
