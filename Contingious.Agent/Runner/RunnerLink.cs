using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>The agent's side of a connection to one runner. When the runner ends, whoever waits for it is told at once.</summary>
internal sealed class RunnerLink : IAsyncDisposable
{
    /// <summary>A runner that lives welcomes whoever comes within this time.</summary>
    public static readonly TimeSpan WelcomePatience = TimeSpan.FromSeconds(10);

    private readonly Socket socket;
    private readonly NetworkStream stream;
    private readonly ILogger logger;
    private readonly ConcurrentDictionary<uint, Request> requests = new();
    private readonly SemaphoreSlim sending = new(1);
    private readonly CancellationTokenSource closing = new();
    private Task reading = Task.CompletedTask;
    private ProcessIdentity? process;
    private uint last;
    private volatile bool isGone;
    private volatile bool isGivenUp;

    private RunnerLink(string id, Socket socket, ILogger logger)
    {
        Id = id;
        this.socket = socket;
        this.logger = logger;
        stream = new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>The runner's id.</summary>
    public string Id { get; }

    public WelcomeMessage Runner { get; private set; } = new(0, "", 0, Retiring: true);

    /// <summary>The runner has closed the connection, or was lost.</summary>
    public bool IsGone => isGone;

    /// <summary>The runner did not answer in time: it may live, and is not waited for.</summary>
    public bool IsGivenUp => isGivenUp;

    /// <summary>Waits until the runner has closed the connection and its process has ended.</summary>
    public async Task GoneAsync(CancellationToken cancellation)
    {
        await reading.WaitAsync(cancellation).ConfigureAwait(false);
        while (!isGivenUp && process is { IsAlive: true }) await Task.Delay(TimeSpan.FromMilliseconds(5), cancellation).ConfigureAwait(false);
    }

    /// <summary>Connects to a runner.</summary>
    /// <returns>Nothing where none listens there: what is left of a dead one is removed.</returns>
    /// <exception cref="ContingiousException">One listens, and does not answer.</exception>
    public static async Task<RunnerLink?> ConnectAsync(RunnerPlace place, string id, string agent, ILogger logger, CancellationToken cancellation)
    {
        var name = RunnerPlace.SocketName(id);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            using var directory = DirectoryHandle.Open(place.SocketDirectory);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(UnixListener.PathOf(directory, name)), cancellation).ConfigureAwait(false);
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            socket.Dispose();
            if (error is SocketException { SocketErrorCode: SocketError.ConnectionRefused }) File.Delete($"{place.SocketDirectory}/{name}");
            return null;
        }

        var link = new RunnerLink(id, socket, logger);
        try
        {
            link.reading = Task.Run(link.ReadAsync, CancellationToken.None);
            var hello = new HelloMessage(Frame.ProtocolVersion, agent, Environment.ProcessId);
            var answer = await link.AskAsync(FrameKind.Hello, hello.Write(), told: null, cancellation).WaitAsync(WelcomePatience, cancellation).ConfigureAwait(false);
            link.Runner = WelcomeMessage.Read(new FieldReader(answer.Fields));
            link.process = link.Runner.Pid == Environment.ProcessId ? null : ProcessIdentity.Of(link.Runner.Pid);
            return link;
        }
        catch (TimeoutException error)
        {
            await link.DisposeAsync().ConfigureAwait(false);
            throw new ContingiousException($"The runner {id} does not answer on {place.SocketDirectory}/{name}. If it is stopped, end it: its jobs are run again.", error);
        }
        catch (ContingiousException) when (link.IsGone)
        {
            // It was just about to end.
            await link.DisposeAsync().ConfigureAwait(false);
            return null;
        }
        catch
        {
            await link.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Asks, and waits for the frame that ends the request.</summary>
    /// <param name="kind">What is asked.</param>
    /// <param name="fields">The request's fields.</param>
    /// <param name="told">Called with the frames before that one.</param>
    /// <param name="leave">Stops waiting.</param>
    /// <exception cref="RunnerLostException">The runner has gone.</exception>
    public async Task<Frame> AskAsync(FrameKind kind, FieldWriter? fields, Action<Frame>? told, CancellationToken leave)
    {
        var number = Interlocked.Increment(ref last);
        var request = new Request(told);
        requests[number] = request;
        try
        {
            if (isGone) throw Lost();
            await SendAsync(Frame.Encode(kind, number, fields), leave).ConfigureAwait(false);
            return await request.Ended.WaitAsync(leave).ConfigureAwait(false);
        }
        finally
        {
            requests.TryRemove(number, out _);
        }
    }

    /// <summary>As <see cref="AskAsync"/>, for what every runner answers at once. One that does not counts as gone.</summary>
    /// <param name="kind">What is asked.</param>
    /// <param name="fields">The request's fields.</param>
    /// <param name="told">Called with the frames before the last one.</param>
    /// <param name="patience">How long it may take.</param>
    /// <param name="leave">Stops waiting.</param>
    /// <exception cref="RunnerLostException">The runner has gone, or has not answered.</exception>
    public async Task<Frame> AskSoonAsync(FrameKind kind, FieldWriter? fields, Action<Frame>? told, TimeSpan patience, CancellationToken leave)
    {
        try
        {
            return await AskAsync(kind, fields, told, leave).WaitAsync(patience, leave).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            isGivenUp = isGone = true;
            logger.RunnerGone(Id, string.Create(CultureInfo.InvariantCulture, $"it has not answered within {patience.TotalSeconds} s"));
            await closing.CancelAsync().ConfigureAwait(false);
            throw Lost();
        }
    }

    /// <summary>Whether the runner still reads and answers.</summary>
    /// <param name="agent">The agent's name.</param>
    /// <param name="patience">How long it may take.</param>
    /// <param name="leave">Stops waiting.</param>
    /// <exception cref="RunnerLostException">It does not.</exception>
    public Task ProbeAsync(string agent, TimeSpan patience, CancellationToken leave) =>
        AskSoonAsync(FrameKind.Hello, new HelloMessage(Frame.ProtocolVersion, agent, Environment.ProcessId).Write(), told: null, patience, leave);

    public async ValueTask DisposeAsync()
    {
        await closing.CancelAsync().ConfigureAwait(false);
        await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // Whoever writes just now, or waits for that, leaves first.
        await sending.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
        sending.Dispose();
        closing.Dispose();
    }

    private async Task SendAsync(byte[] frame, CancellationToken leave)
    {
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(leave, closing.Token);
            await sending.WaitAsync(either.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ObjectDisposedException || (error is OperationCanceledException && !leave.IsCancellationRequested))
        {
            throw Lost();
        }

        try
        {
            // Whole or not at all: what comes next must begin where a frame begins.
            await stream.WriteAsync(frame, closing.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            throw Lost();
        }
        finally
        {
            sending.Release();
        }
    }

    private async Task ReadAsync()
    {
        var reason = "it has closed the connection";
        try
        {
            while (await Frame.ReadAsync(stream, closing.Token).ConfigureAwait(false) is { } frame) Take(frame);
        }
        catch (Exception error) when (error is IOException or SocketException or RunnerProtocolException or ObjectDisposedException)
        {
            reason = error.Message;
        }
        catch (OperationCanceledException)
        {
            reason = "";
        }

        isGone = true;
        if (reason.Length > 0) logger.RunnerGone(Id, reason);
        foreach (var request in requests.Values) request.Fail(Lost());
    }

    private void Take(Frame frame)
    {
        if (!requests.TryGetValue(frame.Number, out var request)) return;
        if (frame.Kind is FrameKind.Event or FrameKind.Entry) request.Tell(frame);
        else request.End(frame);
    }

    private RunnerLostException Lost() => new(Id, isGivenUp
        ? $"The runner {Id} (process {Runner.Pid}) does not answer any more. If it is stopped, end it: its jobs are run again."
        : $"The runner {Id} (process {Runner.Pid}) has ended. Jobs that it ran are run again.");

    private sealed class Request(Action<Frame>? told)
    {
        private readonly TaskCompletionSource<Frame> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Frame> Ended => ended.Task;

        public void Tell(Frame frame) => told?.Invoke(frame);

        public void End(Frame frame) => ended.TrySetResult(frame);

        public void Fail(Exception error) => ended.TrySetException(error);
    }
}
