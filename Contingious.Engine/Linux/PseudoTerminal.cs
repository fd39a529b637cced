using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>A terminal that this process stands behind (pty(7)): what is written to <see cref="Master"/> is typed there, what is shown there is read from it.</summary>
public sealed unsafe class PseudoTerminal : IDisposable
{
    private const int ReadWrite = 2;
    private const int NoControllingTerminal = 0x100;
    private const int CloseOnExec = 0x80000;

    private PseudoTerminal(SafeFileHandle master, string path)
    {
        Master = master;
        Path = path;
    }

    /// <summary>This end. Reading fails with EIO once nobody has the other end open any more.</summary>
    public SafeFileHandle Master { get; }

    /// <summary>The other end, to be opened by whoever is to run on it.</summary>
    public string Path { get; }

    /// <param name="root">The root of the mount namespace in which the other end has its path, as this process sees it.</param>
    /// <exception cref="LinuxException">The system has no more of them, or no /dev/ptmx.</exception>
    public static PseudoTerminal Open(string root = "")
    {
        fixed (byte* multiplexer = NativePath.Terminated($"{root}/dev/ptmx"))
        {
            var fd = Libc.Open(multiplexer, ReadWrite | NoControllingTerminal | CloseOnExec, 0);
            if (fd < 0) throw LinuxException.Last("open", $"{root}/dev/ptmx");
            var master = new SafeFileHandle(fd, ownsHandle: true);
            int unlocked = 0, number = 0;
            if (Libc.Ioctl(master, Libc.TiocSPtLck, &unlocked) == 0 && Libc.Ioctl(master, Libc.TiocGPtn, &number) == 0)
            {
                return new PseudoTerminal(master, string.Create(CultureInfo.InvariantCulture, $"/dev/pts/{number}"));
            }

            var error = LinuxException.Last("ioctl", "/dev/ptmx");
            master.Dispose();
            throw error;
        }
    }

    /// <summary>Gives it the size of another terminal's window; nothing happens where that one has none.</summary>
    public void TakeSizeOf(SafeFileHandle terminal)
    {
        Libc.WindowSize size;
        if (Libc.Ioctl(terminal, Libc.TiocGWinSz, &size) == 0) _ = Libc.Ioctl(Master, Libc.TiocSWinSz, &size);
    }

    public void Dispose() => Master.Dispose();
}

/// <summary>A terminal in raw mode (cfmakeraw of termios(3)): every key is passed on as it is, until this is disposed.</summary>
public sealed unsafe class RawTerminal : IDisposable
{
    private const int Now = 0;

    private readonly Lock once = new();
    private readonly int file;
    private Libc.Termios before;
    private bool restored;

    private RawTerminal(int file, Libc.Termios before)
    {
        this.file = file;
        this.before = before;
    }

    /// <summary>Whether a descriptor is a terminal's.</summary>
    public static bool IsTerminal(int file) => Libc.IsATty(file) == 1;

    /// <summary>Makes a terminal raw; nothing where the descriptor is no terminal's.</summary>
    public static RawTerminal? Enter(int file)
    {
        Libc.Termios before;
        if (Libc.TcGetAttr(file, &before) != 0) return null;
        var raw = new RawTerminal(file, before);
        raw.Resume();
        return raw;
    }

    /// <summary>Makes it raw again, after whoever stopped this process had it otherwise.</summary>
    public void Resume()
    {
        lock (once)
        {
            if (restored) return;
            var settings = before;
            Libc.CfMakeRaw(&settings);
            _ = Libc.TcSetAttr(file, Now, &settings);
        }
    }

    /// <summary>Gives it back as it was found.</summary>
    public void Dispose()
    {
        lock (once)
        {
            if (restored) return;
            restored = true;
            var settings = before;
            _ = Libc.TcSetAttr(file, Now, &settings);
        }
    }
}
