using System.Text;

namespace Contingious.Importer.Layers;

/// <summary>
/// The file <c>entries</c> of a stored layer: <c>ctglayer</c>, a version, whose ids the owners are, a record for each entry in order, and
/// a trailer: how many records, how many bytes before the trailer, and the sha256 of these. Numbers are little-endian or 7-bit encoded.
/// </summary>
internal static class LayerLog
{
    public const string FileName = "entries";

    /// <summary>Where the files' contents are: <c>files/N/M</c>, a thousand or so in each.</summary>
    public const string FilesName = "files";

    /// <summary>One more whenever the unpacker gives a file something else than before: what was stored is made anew.</summary>
    public const int Version = 1;

    public const int FilesInShard = 1024;

    /// <summary>Records, length, sha256.</summary>
    public const int TrailerLength = 8 + 8 + 32;

    public static ReadOnlySpan<byte> Magic => "ctglayer"u8;

    /// <summary>A name of one of the files.</summary>
    public static byte[] Number(long number) => Encoding.ASCII.GetBytes(number.ToString(System.Globalization.CultureInfo.InvariantCulture));
}

/// <summary>An entry as the log of a stored layer has it.</summary>
/// <param name="Entry">All of it but where a sparse file has its holes, which its content shows.</param>
/// <param name="File">The number of the file that it made; nothing where it made none.</param>
/// <param name="Refused">The attributes that the kernel did not take.</param>
internal readonly record struct LoggedEntry(TarEntry Entry, long? File, IReadOnlyList<RefusedXattr> Refused);

/// <summary>A stored layer is not what it was when it was written: it has to be made anew.</summary>
internal sealed class DamagedLayerException(Engine.Images.Digest diffId, string what, Exception? cause = null)
    : IOException($"The stored layer {diffId} is damaged: {what}.", cause)
{
    public Engine.Images.Digest DiffId { get; } = diffId;
}
