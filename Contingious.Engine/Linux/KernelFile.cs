using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>
/// Files that the kernel makes up as they are read: those of /proc and of cgroups. A job looks at and writes a hundred of them, and <see cref="File"/> takes
/// five system calls, a lock among them, and a kilobyte for what is one open, one read and one close.
/// </summary>
/// <remarks>Errors are those of <see cref="File"/>; a system call's number is the exception's HResult.</remarks>
internal static unsafe class KernelFile
{
    private const int WriteOnly = 1;
    private const int Truncate = 0x200;
    private const int CloseOnExec = 0x80000;
    private const int FirstSize = 4096;
    private const uint EverybodyMayLook = 0x1ED; // 0755

    /// <summary>All of a file.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It cannot be read, or its cgroup was removed (ENODEV).</exception>
    /// <exception cref="UnauthorizedAccessException">Not by this account.</exception>
    public static string Read(string path)
    {
        var text = TryRead(path, out var errno);
        return text ?? throw Error(path, errno);
    }

    /// <summary>As <see cref="Read"/>; nothing where there is no such file, or what it told of is gone.</summary>
    public static string? TryRead(string path)
    {
        var text = TryRead(path, out var errno);
        return text ?? (errno is Errno.ENOENT or Errno.ESRCH or Errno.ENODEV ? null : throw Error(path, errno));
    }

    /// <summary>Writes a value at once, as such files want it.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The kernel does not take the value.</exception>
    /// <exception cref="UnauthorizedAccessException">Not by this account.</exception>
    public static void Write(string path, string value)
    {
        var errno = TryWrite(path, value);
        if (errno != Errno.None) throw Error(path, errno);
    }

    /// <summary>As <see cref="Write"/>, for who has an answer to a refusal.</summary>
    public static Errno TryWrite(string path, string value)
    {
        using var file = Open(path, WriteOnly | Truncate, out var errno);
        return file.IsOpen ? file.Write(Encoding.ASCII.GetBytes(value), 0) : errno;
    }

    /// <summary>Makes a directory, and none above it; nothing happens where it is there.</summary>
    /// <exception cref="FileNotFoundException">The one above is not there.</exception>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">Not by this account.</exception>
    public static void MakeDirectory(string path)
    {
        fixed (byte* native = NativePath.Terminated(path))
        {
            if (Libc.MkdirAt(Libc.AtFdCwd, native, EverybodyMayLook) == 0) return;
        }

        var errno = LinuxException.LastErrno;
        if (errno != Errno.EEXIST) throw Error("mkdir", path, errno);
    }

    private static string? TryRead(string path, out Errno errno)
    {
        using var file = Open(path, 0, out errno);
        if (!file.IsOpen) return null;
        Span<byte> buffer = stackalloc byte[FirstSize];
        for (var length = 0; ;)
        {
            var read = file.Read(buffer[length..], length, out errno);
            if (errno != Errno.None) return null;
            if (read == 0) return Encoding.UTF8.GetString(buffer[..length]);
            length += read;
            if (length < buffer.Length) continue;
            var larger = new byte[buffer.Length * 4];
            buffer.CopyTo(larger);
            buffer = larger;
        }
    }

    private static RawDescriptor Open(string path, int flags, out Errno errno)
    {
        fixed (byte* native = NativePath.Terminated(path))
        {
            int number;
            do
            {
                number = Libc.OpenAt(Libc.AtFdCwd, native, flags | CloseOnExec, 0);
                errno = number >= 0 ? Errno.None : LinuxException.LastErrno;
            }
            while (errno == Errno.EINTR);
            return new RawDescriptor(number);
        }
    }

    private static Exception Error(string path, Errno errno) => Error("open, read or write", path, errno);

    private static Exception Error(string call, string path, Errno errno)
    {
        var failure = new LinuxException(call, path, errno);
        return errno switch
        {
            Errno.ENOENT => new FileNotFoundException(failure.Message, path, failure),
            Errno.EACCES or Errno.EPERM => new UnauthorizedAccessException(failure.Message, failure),
            _ => new IOException(failure.Message, (int)errno),
        };
    }
}
