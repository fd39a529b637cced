using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>
/// The terminal of this process's session (credentials(7)), which it can open as /dev/tty whatever its standard streams are, and so can everything that it
/// starts or becomes.
/// </summary>
public static unsafe class ControllingTerminal
{
    private const int ReadWrite = 2;
    private const int NoControllingTerminal = 0x100;
    private const int CloseOnExec = 0x80000;

    /// <summary>Whether there is one, and this process leads the session: if it left, the whole session would lose it.</summary>
    public static bool IsLed
    {
        get
        {
            if (Libc.GetSid(0) != Environment.ProcessId) return false;
            using var terminal = Open();
            return terminal is not null;
        }
    }

    /// <summary>This process has none any more; others of its session keep it, and its keys still end this one. Nothing happens where there is none.</summary>
    public static void Leave()
    {
        using var terminal = Open();
        if (terminal is not null && Libc.Ioctl(terminal, Libc.TiocNoTty, null) != 0) throw LinuxException.Last("ioctl(TIOCNOTTY)", "/dev/tty");
    }

    private static SafeFileHandle? Open()
    {
        fixed (byte* path = "/dev/tty\0"u8)
        {
            var fd = Libc.Open(path, ReadWrite | NoControllingTerminal | CloseOnExec, 0);
            return fd < 0 ? null : new SafeFileHandle(fd, ownsHandle: true);
        }
    }
}
