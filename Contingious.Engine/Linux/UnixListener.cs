using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>
/// A unix stream socket that listens below an open directory. It is bound through the directory's descriptor,
/// since a socket's path has at most 107 bytes (unix(7)) and a sandbox's directory can be deeper.
/// </summary>
public sealed class UnixListener : IDisposable
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    private readonly Socket socket;

    private UnixListener(Socket socket) => this.socket = socket;

    /// <param name="directory">Where the socket is made.</param>
    /// <param name="name">Its name there: one component, which must not exist.</param>
    /// <param name="owner">Who may connect, besides root.</param>
    /// <param name="backlog">How many clients may wait to be accepted.</param>
    /// <exception cref="LinuxException">It cannot be made.</exception>
    public static UnixListener Listen(DirectoryHandle directory, string name, uint owner, int backlog = 1)
    {
        var fd = Libc.Socket(Libc.AfUnix, Libc.SockStream | Libc.SockCloseOnExec | Libc.SockNonBlocking, 0);
        if (fd < 0) throw LinuxException.Last("socket", name);
        var handle = new SafeSocketHandle(fd, ownsHandle: true);
        try
        {
            Bind(handle, PathOf(directory, name));
            directory.SetOwner(Encoding.UTF8.GetBytes(name), owner, owner);
            if (Libc.Listen(handle, backlog) != 0) throw LinuxException.Last("listen", name);
            return new UnixListener(new Socket(handle));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A path of a socket below an open directory, short enough for an address while the directory is open.</summary>
    public static string PathOf(DirectoryHandle directory, string name) =>
        string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{directory.Handle.DangerousGetHandle()}/{name}");

    /// <summary>Waits for a client.</summary>
    public async Task<Socket> AcceptAsync(CancellationToken cancellation) => await socket.AcceptAsync(cancellation).ConfigureAwait(false);

    /// <summary>The pid of whoever connected, as this process's namespace numbers it (SO_PEERCRED of unix(7)).</summary>
    public static int PeerPid(Socket connected)
    {
        Span<byte> credentials = stackalloc byte[12];
        _ = connected.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return BinaryPrimitives.ReadInt32LittleEndian(credentials);
    }

    public void Dispose() => socket.Dispose();

    private static unsafe void Bind(SafeSocketHandle handle, string path)
    {
        var address = new Libc.UnixAddress { Family = Libc.AfUnix };
        var bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length > 107) throw new ArgumentException($"{path} is too long for a socket.");
        bytes.CopyTo(new Span<byte>(address.Path, 108));
        if (Libc.Bind(handle, &address, (uint)(2 + bytes.Length + 1)) != 0) throw LinuxException.Last("bind", path);
    }
}
