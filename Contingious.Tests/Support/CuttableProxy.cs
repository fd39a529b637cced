using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Contingious.Tests.Support;

/// <summary>A TCP connection to the broker that a test can cut, and keep cut for a while.</summary>
internal sealed class CuttableProxy : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<Socket, bool> open = new();
    private readonly Uri target;
    private readonly Task accepting;
    private volatile bool isDown;

    public CuttableProxy(Uri target)
    {
        this.target = target;
        listener.Start();
        accepting = AcceptAsync();
    }

    /// <summary>The broker's URI by way of this.</summary>
    public string Uri => new UriBuilder(target) { Host = "127.0.0.1", Port = ((IPEndPoint)listener.LocalEndpoint).Port }.Uri.OriginalString;

    /// <summary>Resets every connection.</summary>
    public void Cut()
    {
        foreach (var socket in open.Keys)
        {
            open.TryRemove(socket, out _);
            try
            {
                socket.LingerState = new LingerOption(true, 0);
                socket.Close();
            }
            catch (Exception error) when (error is ObjectDisposedException or SocketException)
            {
                // Closed by either side meanwhile.
            }
        }
    }

    /// <summary>Resets every connection, and each new one, until <see cref="Up"/>.</summary>
    public void Down()
    {
        isDown = true;
        Cut();
    }

    public void Up() => isDown = false;

    public async ValueTask DisposeAsync()
    {
        listener.Stop();
        Cut();
        await accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ForwardAsync(await listener.AcceptSocketAsync());
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task ForwardAsync(Socket near)
    {
        using var nearStream = new NetworkStream(near, ownsSocket: true);
        using var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        if (isDown) return;
        try
        {
            await far.ConnectAsync(target.Host, target.Port);
            open[near] = true;
            open[far] = true;
            using var farStream = new NetworkStream(far);
            await Task.WhenAny(nearStream.CopyToAsync(farStream), farStream.CopyToAsync(nearStream));
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Cut, or closed by either side.
        }
        finally
        {
            open.TryRemove(near, out _);
            open.TryRemove(far, out _);
        }
    }
}
