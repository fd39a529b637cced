using System.Collections.Concurrent;
using System.Net.Sockets;
using Contingious.Agent.Runner;

namespace Contingious.Tests.Runner;

/// <summary>A runner that welcomes whoever comes, and answers nothing else; or, where it is stopped, not even that.</summary>
internal sealed class SilentRunner : IAsyncDisposable
{
    private readonly Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource ending = new();
    private readonly ConcurrentBag<Socket> connections = [];
    private readonly Task accepting;

    public SilentRunner(RunnerPlace place, string id, int protocol = Frame.ProtocolVersion)
    {
        Directory.CreateDirectory(place.SocketDirectory);
        listener.Bind(new UnixDomainSocketEndPoint($"{place.SocketDirectory}/{RunnerPlace.SocketName(id)}"));
        listener.Listen();
        accepting = AcceptAsync(protocol);
    }

    public ConcurrentQueue<FrameKind> Asked { get; } = new();

    /// <summary>Whether these are answered as a runner does that knows of nothing.</summary>
    public Func<FrameKind, bool> Answers { get; set; } = kind => kind == FrameKind.Hello;

    /// <summary>Closes what connections there are, and lives on.</summary>
    public void LoseConnections()
    {
        foreach (var connection in connections) connection.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        listener.Dispose();
        LoseConnections();
        await accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ending.Dispose();
    }

    private async Task AcceptAsync(int protocol)
    {
        while (true)
        {
            var socket = await listener.AcceptAsync(ending.Token);
            connections.Add(socket);
            _ = ServeAsync(socket, protocol);
        }
    }

    private async Task ServeAsync(Socket socket, int protocol)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        while (await Frame.ReadAsync(stream, ending.Token) is { } frame)
        {
            Asked.Enqueue(frame.Kind);
            if (!Answers(frame.Kind)) continue;
            await stream.WriteAsync(frame.Kind switch
            {
                FrameKind.Hello => Frame.Encode(FrameKind.Welcome, frame.Number, new WelcomeMessage(protocol, "another", Environment.ProcessId, Retiring: true).Write()),
                FrameKind.Join => Frame.Encode(FrameKind.Unknown, frame.Number),
                _ => Frame.Encode(FrameKind.Done, frame.Number),
            });
        }
    }
}
