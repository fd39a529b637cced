using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The kernel's error numbers that are told apart here (errno(3)).</summary>
public enum Errno
{
    None = 0,
    EPERM = 1,
    ENOENT = 2,
    ESRCH = 3,
    EINTR = 4,
    EIO = 5,
    ENXIO = 6,
    E2BIG = 7,
    ENOEXEC = 8,
    EAGAIN = 11,
    ENOMEM = 12,
    EACCES = 13,
    EBUSY = 16,
    EEXIST = 17,
    EXDEV = 18,
    ENODEV = 19,
    ENOTDIR = 20,
    EISDIR = 21,
    EINVAL = 22,
    ENOTTY = 25,
    ETXTBSY = 26,
    ENOSPC = 28,
    EROFS = 30,
    EMLINK = 31,
    EPIPE = 32,
    ERANGE = 34,
    ENAMETOOLONG = 36,
    ENOSYS = 38,
    ENOTEMPTY = 39,
    ELOOP = 40,
    ENODATA = 61,
    EOVERFLOW = 75,
    EOPNOTSUPP = 95,
    EDQUOT = 122,
}

/// <summary>A system call failed; the message names the call, the path and the error.</summary>
public sealed class LinuxException(string call, string path, Errno errno)
    : IOException($"{call} {path}: {Marshal.GetPInvokeErrorMessage((int)errno)} ({errno})")
{
    public string Path { get; } = path;

    public Errno Errno { get; } = errno;

    internal static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    internal static LinuxException Last(string call, string path) => new(call, path, LastErrno);
}
