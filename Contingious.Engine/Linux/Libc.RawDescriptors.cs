using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The calls of <see cref="RawDescriptor"/>, on bare numbers: a tree of ten thousand files pays for each handle twice.</summary>
internal static unsafe partial class Libc
{
    /// <summary>FICLONE of ioctl_ficlone(2): _IOW(0x94, 9, int).</summary>
    public const nuint FiClone = 0x40049409;

    [LibraryImport(Name, EntryPoint = "openat", SetLastError = true)]
    public static partial int OpenAt(int directory, byte* path, int flags, uint mode);

    [LibraryImport(Name, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    [LibraryImport(Name, EntryPoint = "getdents64", SetLastError = true)]
    public static partial nint GetDents(int directory, byte* buffer, nuint size);

    [LibraryImport(Name, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoctlNumber(int file, nuint request, nint argument);

    [LibraryImport(Name, EntryPoint = "copy_file_range", SetLastError = true)]
    public static partial nint CopyFileRange(int source, long* sourceOffset, int target, long* targetOffset, nuint length, uint flags);

    [LibraryImport(Name, EntryPoint = "pread", SetLastError = true)]
    public static partial nint PRead(int file, byte* buffer, nuint size, long offset);

    [LibraryImport(Name, EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint PWrite(int file, byte* buffer, nuint size, long offset);

    [LibraryImport(Name, EntryPoint = "lseek", SetLastError = true)]
    public static partial long LSeek(int file, long offset, int whence);

    [LibraryImport(Name, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int FTruncate(int file, long length);

    [LibraryImport(Name, EntryPoint = "fchown", SetLastError = true)]
    public static partial int Fchown(int file, uint uid, uint gid);

    [LibraryImport(Name, EntryPoint = "fchmod", SetLastError = true)]
    public static partial int Fchmod(int file, uint mode);

    [LibraryImport(Name, EntryPoint = "futimens", SetLastError = true)]
    public static partial int Futimens(int file, Timespec* times);

    [LibraryImport(Name, EntryPoint = "mkdirat", SetLastError = true)]
    public static partial int MkdirAt(int directory, byte* path, uint mode);

    [LibraryImport(Name, EntryPoint = "readlinkat", SetLastError = true)]
    public static partial nint ReadLinkAt(int directory, byte* path, byte* buffer, nuint size);

    [LibraryImport(Name, EntryPoint = "symlinkat", SetLastError = true)]
    public static partial int SymlinkAt(byte* target, int directory, byte* path);

    [LibraryImport(Name, EntryPoint = "fchownat", SetLastError = true)]
    public static partial int FchownAt(int directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport(Name, EntryPoint = "utimensat", SetLastError = true)]
    public static partial int UtimensAt(int directory, byte* path, Timespec* times, int flags);

    [LibraryImport(Name, EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(int oldDirectory, byte* oldPath, int newDirectory, byte* newPath, int flags);
}
