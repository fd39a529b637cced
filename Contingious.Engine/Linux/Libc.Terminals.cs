using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>The calls about terminals. The requests' numbers are those of asm-generic/ioctls.h, which x86 and arm share.</summary>
internal static unsafe partial class Libc
{
    public const nuint TiocGWinSz = 0x5413;
    public const nuint TiocSWinSz = 0x5414;
    public const nuint TiocNoTty = 0x5422;
    public const nuint TiocGPtn = 0x80045430;
    public const nuint TiocSPtLck = 0x40045431;

    // Its layout is the C library's own business: 60 bytes with glibc and musl alike.
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    public struct Termios;

    /// <summary>struct winsize of ioctl_tty(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort Width;
        public ushort Height;
    }

    [LibraryImport(Name, EntryPoint = "getsid")]
    public static partial int GetSid(int pid);

    [LibraryImport(Name, EntryPoint = "isatty")]
    public static partial int IsATty(int file);

    [LibraryImport(Name, EntryPoint = "tcgetattr", SetLastError = true)]
    public static partial int TcGetAttr(int file, Termios* settings);

    [LibraryImport(Name, EntryPoint = "tcsetattr", SetLastError = true)]
    public static partial int TcSetAttr(int file, int when, Termios* settings);

    [LibraryImport(Name, EntryPoint = "cfmakeraw")]
    public static partial void CfMakeRaw(Termios* settings);

    [LibraryImport(Name, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Ioctl(SafeFileHandle file, nuint request, void* argument);
}
