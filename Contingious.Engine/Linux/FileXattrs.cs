using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>Extended attributes (xattr(7)) of open files and directories. Names and values are bytes.</summary>
public static unsafe class FileXattrs
{
    /// <summary>XATTR_LIST_MAX and XATTR_SIZE_MAX of the kernel: neither a list of names nor a value is longer.</summary>
    private const int Longest = 64 << 10;

    /// <summary>Room for the names that most files have, which are none.</summary>
    private const int Few = 256;

    /// <summary>Sets an attribute, whether it is there or not.</summary>
    /// <returns><see cref="Errno.None"/>, or why the kernel or the file system does not take it.</returns>
    public static Errno TrySet(SafeFileHandle file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var errno = TrySet(Of(file), name, value);
        GC.KeepAlive(file);
        return errno;
    }

    public static Errno TrySet(DirectoryHandle directory, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => TrySet(directory.Handle, name, value);

    /// <summary>The names of a file's attributes; none where its file system has no attributes.</summary>
    /// <exception cref="LinuxException">They cannot be listed.</exception>
    public static IReadOnlyList<byte[]> Names(SafeFileHandle file)
    {
        var names = Names(Of(file));
        GC.KeepAlive(file);
        return names;
    }

    public static IReadOnlyList<byte[]> Names(DirectoryHandle directory) => Names(directory.Handle);

    /// <summary>An attribute's value; nothing where there is none of that name.</summary>
    /// <exception cref="LinuxException">It cannot be read.</exception>
    public static byte[]? TryGet(SafeFileHandle file, ReadOnlySpan<byte> name)
    {
        var value = TryGet(Of(file), name);
        GC.KeepAlive(file);
        return value;
    }

    public static byte[]? TryGet(DirectoryHandle directory, ReadOnlySpan<byte> name) => TryGet(directory.Handle, name);

    /// <exception cref="LinuxException">It cannot be removed.</exception>
    public static void Remove(DirectoryHandle directory, ReadOnlySpan<byte> name)
    {
        fixed (byte* native = NativePath.Terminated(name))
        {
            if (Libc.FRemoveXattr(directory.Handle, native) != 0) throw LinuxException.Last("fremovexattr", NativePath.Display(name));
        }
    }

    internal static Errno TrySet(RawDescriptor file, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        fixed (byte* native = NativePath.Terminated(name))
        fixed (byte* content = value)
        {
            return Libc.FSetXattr(file.Number, native, content, (nuint)value.Length, 0) == 0 ? Errno.None : LinuxException.LastErrno;
        }
    }

    internal static IReadOnlyList<byte[]> Names(RawDescriptor file)
    {
        var few = stackalloc byte[Few];
        var length = Libc.FListXattr(file.Number, few, Few);
        if (length == 0) return [];
        if (length > 0) return Split(new ReadOnlySpan<byte>(few, (int)length));
        switch (LinuxException.LastErrno)
        {
            case Errno.EOPNOTSUPP:
                return [];
            case Errno.ERANGE:
                var buffer = ArrayPool<byte>.Shared.Rent(Longest);
                try
                {
                    fixed (byte* native = buffer) length = Libc.FListXattr(file.Number, native, (nuint)buffer.Length);
                    return length >= 0 ? Split(buffer.AsSpan(0, (int)length)) : throw LinuxException.Last("flistxattr", "an open file");
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }

            default:
                throw LinuxException.Last("flistxattr", "an open file");
        }
    }

    internal static byte[]? TryGet(RawDescriptor file, ReadOnlySpan<byte> name)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Longest);
        try
        {
            fixed (byte* native = NativePath.Terminated(name))
            fixed (byte* value = buffer)
            {
                var length = Libc.FGetXattr(file.Number, native, value, (nuint)buffer.Length);
                if (length >= 0) return buffer[..(int)length];
            }

            var error = LinuxException.Last("fgetxattr", NativePath.Display(name));
            return error.Errno == Errno.ENODATA ? null : throw error;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static RawDescriptor Of(SafeFileHandle file) => new(file.DangerousGetHandle().ToInt32());

    private static List<byte[]> Split(ReadOnlySpan<byte> list)
    {
        var names = new List<byte[]>();
        foreach (var range in list.Split((byte)0))
        {
            if (!list[range].IsEmpty) names.Add(list[range].ToArray());
        }

        return names;
    }
}
