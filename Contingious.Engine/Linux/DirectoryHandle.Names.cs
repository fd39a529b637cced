using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>Listing directories that can be very wide.</summary>
public sealed unsafe partial class DirectoryHandle
{
    /// <summary>The names in this directory, without <c>.</c> and <c>..</c>, by their bytes.</summary>
    public NameList SortedNames()
    {
        // A descriptor of its own: readdir(3) moves the position and closedir(3) closes it.
        using var own = OpenAt("."u8, ReadOnly | Directory, 0, Resolve.Beneath);
        var stream = Libc.FdOpenDir(own.DangerousGetHandle().ToInt32());
        if (stream == 0) throw LinuxException.Last("fdopendir", Path);
        own.SetHandleAsInvalid();
        var names = new NameList();
        try
        {
            for (byte* entry = Libc.ReadDir(stream); entry != null; entry = Libc.ReadDir(stream))
            {
                // struct dirent: d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name.
                var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(entry + 19);
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8)) names.Add(name);
            }

            // Nothing is the end, and also what a failing disk gives.
            if (LinuxException.LastErrno != Errno.None) throw LinuxException.Last("readdir", Path);
        }
        finally
        {
            _ = Libc.CloseDir(stream);
        }

        names.Sort();
        return names;
    }
}
