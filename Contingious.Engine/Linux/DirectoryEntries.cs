using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>Reads what getdents64(2) wrote, entry by entry; <c>.</c> and <c>..</c> are left out.</summary>
/// <param name="listed">As much of the buffer as was written.</param>
internal ref struct DirectoryEntries(ReadOnlySpan<byte> listed)
{
    // struct linux_dirent64: d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name.
    private const int LengthAt = 16;
    private const int KindAt = 18;
    private const int NameAt = 19;

    private ReadOnlySpan<byte> rest = listed;

    /// <summary>The entry as it was listed: <see cref="DirectoryEntries"/> can read it by itself.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>With its NUL behind it.</summary>
    public readonly ReadOnlySpan<byte> Name => Current[NameAt..(NameAt + Current[NameAt..].IndexOf((byte)0) + 1)];

    /// <summary>As the file system tells without looking at the inode, which some do not: then it is unknown.</summary>
    public readonly FileKind Kind => FileStatus.KindOf((uint)Current[KindAt] << 12);

    public bool MoveNext()
    {
        while (!rest.IsEmpty)
        {
            var length = MemoryMarshal.Read<ushort>(rest[LengthAt..]);
            Current = rest[..length];
            rest = rest[length..];
            if (!Name.SequenceEqual(".\0"u8) && !Name.SequenceEqual("..\0"u8)) return true;
        }

        return false;
    }
}
