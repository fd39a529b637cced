using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The calls that wait for many descriptors at once, and read what is there without waiting.</summary>
internal static unsafe partial class Libc
{
    public const int FGetFl = 3;
    public const int FSetFl = 4;
    public const int NonBlocking = 0x800;
    public const int EpollCloseOnExec = 0x80000;
    public const int EpollAdd = 1;
    public const int EpollRemove = 2;
    public const uint EpollIn = 1;

    /// <summary>The size of struct epoll_event: it is packed on x86-64 alone (epoll_event(3type)).</summary>
    public static readonly int EpollEventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    /// <summary>Where its data is.</summary>
    public static readonly int EpollDataOffset = EpollEventSize - sizeof(ulong);

    [LibraryImport(Name, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport(Name, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollControl(SafeHandle epoll, int operation, SafeHandle file, byte* happening);

    [LibraryImport(Name, EntryPoint = "epoll_wait", SetLastError = true)]
    public static partial int EpollWait(SafeHandle epoll, byte* happenings, int most, int milliseconds);

    [LibraryImport(Name, EntryPoint = "mkfifo", SetLastError = true)]
    public static partial int MakeFifo(byte* path, uint mode);

    [LibraryImport(Name, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeHandle file, byte* into, nuint size);

    [LibraryImport(Name, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeHandle file, byte* from, nuint size);

    [LibraryImport(Name, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(SafeHandle file, int command, int argument);
}
