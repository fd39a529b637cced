using System.Buffers.Binary;

namespace Contingious.Engine.Host.Checks;

/// <summary>Reads of a program just whether it needs a dynamic linker (elf(5)).</summary>
internal static class ElfFile
{
    private const uint Magic = 0x464C457F;
    private const uint InterpreterSegment = 3;
    private const int HeaderBytes = 4096;

    /// <summary>Whether a 64-bit little-endian ELF program has no interpreter; false for anything else, as a script.</summary>
    public static bool IsStatic(string path)
    {
        using var file = File.OpenHandle(path);
        var buffer = new byte[HeaderBytes];
        var header = buffer.AsSpan(0, RandomAccess.Read(file, buffer, 0));
        const byte is64Bit = 2, littleEndian = 1;
        if (header.Length < 64 || BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic || header[4] != is64Bit || header[5] != littleEndian) return false;
        var at = (int)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(header[32..]), HeaderBytes);
        var size = BinaryPrimitives.ReadUInt16LittleEndian(header[54..]);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        for (var segment = 0; segment < count; segment++, at += size)
        {
            if (at + 4 > header.Length) return false;
            if (BinaryPrimitives.ReadUInt32LittleEndian(header[at..]) == InterpreterSegment) return false;
        }

        return true;
    }
}
