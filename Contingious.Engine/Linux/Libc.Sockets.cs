using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The calls that make a unix socket at a place that is only known by a descriptor.</summary>
internal static unsafe partial class Libc
{
    public const int AfUnix = 1;
    public const int SockStream = 1;
    public const int SockCloseOnExec = 0x80000;
    public const int SockNonBlocking = 0x800;

    /// <summary>struct sockaddr_un of unix(7).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct UnixAddress
    {
        public ushort Family;
        public fixed byte Path[108];
    }

    [LibraryImport(Name, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int domain, int type, int protocol);

    [LibraryImport(Name, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(SafeHandle socket, UnixAddress* address, uint length);

    [LibraryImport(Name, EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(SafeHandle socket, int backlog);
}
