using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The calls that keep a file in memory and hand it to another program.</summary>
internal static unsafe partial class Libc
{
    /// <summary>The soft limit, and the hard one.</summary>
    [LibraryImport(Name, EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetRlimit(int resource, ulong* limits);

    [LibraryImport(Name, EntryPoint = "setrlimit", SetLastError = true)]
    public static partial int SetRlimit(int resource, ulong* limits);

    public const uint MfdCloseOnExec = 1;
    public const uint MfdAllowSealing = 2;
    public const int FSetFd = 2;
    public const int FAddSeals = 1033;

    /// <summary>F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE (fcntl(2)).</summary>
    public const int AllSeals = 0xF;

    [LibraryImport(Name, EntryPoint = "memfd_create", SetLastError = true)]
    public static partial int MemfdCreate(byte* name, uint flags);
}
