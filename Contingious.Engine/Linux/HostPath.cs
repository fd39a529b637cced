namespace Contingious.Engine.Linux;

/// <summary>
/// Calls that take a whole path and walk it with our own authority: for paths of the host's own, never for a path
/// that a submission or an image could have made (<see cref="DirectoryHandle"/> is for those).
/// </summary>
public static unsafe class HostPath
{
    private const uint StatxBasic = 0x7ff;
    private const uint CharacterDevice = 0x2000;

    /// <summary>Describes what is at a path, a symlink itself; nothing where there is none.</summary>
    /// <exception cref="LinuxException">It cannot be looked at, as for lack of permission.</exception>
    public static FileStatus? TryStatus(string path) => TryStatus(path, Libc.AtSymlinkNoFollow);

    /// <summary>As <see cref="TryStatus(string)"/>, of what a symlink points to.</summary>
    public static FileStatus? TryTargetStatus(string path) => TryStatus(path, 0);

    /// <summary>Makes a character device (mknod(2)); the mode is still subject to the umask.</summary>
    public static void MakeCharacterDevice(string path, uint mode, uint major, uint minor)
    {
        // makedev(3): the two numbers are interleaved for the sake of old, narrow device numbers.
        var device = ((ulong)(major & 0xfffff000) << 32) | ((major & 0xfff) << 8) | ((ulong)(minor & 0xffffff00) << 12) | (minor & 0xff);
        fixed (byte* native = NativePath.Terminated(path))
        {
            if (Libc.MkNod(native, CharacterDevice | mode, device) != 0) throw LinuxException.Last("mknod", path);
        }
    }

    /// <summary>Whether a program has file capabilities (capabilities(7)); whichever they are.</summary>
    public static bool HasFileCapabilities(string path)
    {
        fixed (byte* native = NativePath.Terminated(path))
        fixed (byte* name = NativePath.Terminated("security.capability"u8))
        {
            return Libc.GetXattr(native, name, null, 0) > 0;
        }
    }

    /// <summary>An extended attribute of a short value; nothing where there is none.</summary>
    public static byte[]? TryXattr(string path, ReadOnlySpan<byte> attribute)
    {
        const int most = 64;
        var value = stackalloc byte[most];
        fixed (byte* native = NativePath.Terminated(path))
        fixed (byte* name = NativePath.Terminated(attribute))
        {
            var length = Libc.GetXattr(native, name, value, most);
            return length < 0 ? null : new ReadOnlySpan<byte>(value, (int)length).ToArray();
        }
    }

    /// <summary>
    /// Whether this process is in a user namespace that does not know the host's root, as the keeper's: owners of files
    /// then tell nothing, and uid 0 is but the account.
    /// </summary>
    public static bool IsApartFromHost => TryStatus("/") is not { Uid: 0 };

    private static FileStatus? TryStatus(string path, int flags)
    {
        Libc.Statx raw;
        fixed (byte* native = NativePath.Terminated(path))
        {
            if (Libc.StatxAt(Libc.AtFdCwd, native, flags, StatxBasic, &raw) == 0) return FileStatus.From(raw);
        }

        var error = LinuxException.Last("statx", path);
        return error.Errno is Errno.ENOENT or Errno.ENOTDIR ? null : throw error;
    }
}
