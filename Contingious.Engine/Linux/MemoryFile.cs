using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Linux;

/// <summary>
/// A file that is in memory only and cannot be changed any more (memfd_create(2)): how a secret is handed to another program without being
/// in its arguments, in its environment or on a disk. It is gone with the last process that has it open, however that ends.
/// </summary>
public sealed unsafe class MemoryFile : IDisposable
{
    private const int FirstFree = 3;

    private MemoryFile(SafeFileHandle handle) => Handle = handle;

    internal SafeFileHandle Handle { get; }

    /// <summary>The number that a program that this process becomes finds it by (<see cref="ProcessImage.Replace"/>).</summary>
    public string Descriptor => Handle.DangerousGetHandle().ToInt32().ToString(CultureInfo.InvariantCulture);

    /// <summary>A path by which programs that this process starts can open it, while this process lives.</summary>
    public string Path => $"/proc/{Environment.ProcessId}/fd/{Descriptor}";

    /// <exception cref="LinuxException">There is no memory, or no descriptor left.</exception>
    public static MemoryFile Create(string name, ReadOnlySpan<byte> content)
    {
        fixed (byte* native = NativePath.Terminated(name))
        {
            var fd = Libc.MemfdCreate(native, Libc.MfdCloseOnExec | Libc.MfdAllowSealing);
            if (fd < 0) throw LinuxException.Last("memfd_create", name);
            var handle = new SafeFileHandle(fd, ownsHandle: true);
            try
            {
                RandomAccess.Write(handle, content, 0);
                return Libc.Fcntl(handle, Libc.FAddSeals, Libc.AllSeals) == 0 ? new MemoryFile(handle) : throw LinuxException.Last("fcntl", name);
            }
            catch
            {
                handle.Dispose();
                throw;
            }
        }
    }

    /// <summary>Takes over a descriptor that this program was started with; nothing where the text names no open one.</summary>
    public static MemoryFile? Inherited(string? descriptor)
    {
        if (!int.TryParse(descriptor, NumberStyles.None, CultureInfo.InvariantCulture, out var fd) || fd < FirstFree) return null;
        var handle = new SafeFileHandle(fd, ownsHandle: true);
        if (Libc.Fcntl(handle, Libc.FSetFd, 1 /* FD_CLOEXEC */) == 0) return new MemoryFile(handle);
        handle.SetHandleAsInvalid();
        return null;
    }

    public void Dispose() => Handle.Dispose();
}
