using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The calls that make and look at nodes of the host's own file system.</summary>
internal static unsafe partial class Libc
{
    [LibraryImport(Name, EntryPoint = "mknod", SetLastError = true)]
    public static partial int MkNod(byte* path, uint mode, ulong device);

    [LibraryImport(Name, EntryPoint = "getxattr", SetLastError = true)]
    public static partial nint GetXattr(byte* path, byte* name, byte* value, nuint size);
}
