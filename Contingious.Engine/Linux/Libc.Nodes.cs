using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>The calls that make and look at nodes of the host's own file system.</summary>
internal static unsafe partial class Libc
{
    [LibraryImport(Name, EntryPoint = "mknod", SetLastError = true)]
    public static partial int MkNod(byte* path, uint mode, ulong device);

    [LibraryImport(Name, EntryPoint = "getxattr", SetLastError = true)]
    public static partial nint GetXattr(byte* path, byte* name, byte* value, nuint size);

    [LibraryImport(Name, EntryPoint = "fsetxattr", SetLastError = true)]
    public static partial int FSetXattr(int file, byte* name, byte* value, nuint size, int flags);

    [LibraryImport(Name, EntryPoint = "fgetxattr", SetLastError = true)]
    public static partial nint FGetXattr(int file, byte* name, byte* value, nuint size);

    [LibraryImport(Name, EntryPoint = "flistxattr", SetLastError = true)]
    public static partial nint FListXattr(int file, byte* names, nuint size);

    [LibraryImport(Name, EntryPoint = "fremovexattr", SetLastError = true)]
    public static partial int FRemoveXattr(SafeFileHandle file, byte* name);
}
