using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>A directory that is being listed: memory does not grow with how many entries it has.</summary>
public sealed unsafe class DirectoryListing : IDisposable
{
    private readonly string path;
    private nint stream;

    /// <param name="directory">Read and closed by the listing from here on.</param>
    /// <param name="path">For messages.</param>
    internal DirectoryListing(SafeFileHandle directory, string path)
    {
        this.path = path;
        stream = Libc.FdOpenDir(directory.DangerousGetHandle().ToInt32());
        if (stream == 0) throw LinuxException.Last("fdopendir", path);
    }

    /// <summary>The next name, in the order the file system gives them; nothing at the end. <c>.</c> and <c>..</c> are left out.</summary>
    public byte[]? Next()
    {
        ObjectDisposedException.ThrowIf(stream == 0, path);
        for (byte* entry = Libc.ReadDir(stream); entry != null; entry = Libc.ReadDir(stream))
        {
            // struct dirent: d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name.
            var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + 19);
            if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) return name.ToArray();
        }

        // Nothing is the end, and also what a failing disk gives.
        return LinuxException.LastErrno == Errno.None ? null : throw LinuxException.Last("readdir", path);
    }

    public void Dispose()
    {
        if (stream != 0) _ = Libc.CloseDir(stream);
        stream = 0;
    }
}
