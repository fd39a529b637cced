using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>The runner's side of one agent's connection: reads what it asks, and sends it what it is told.</summary>
internal sealed class RunnerConnection : IAsker, IAsyncDisposable
{
    private static readonly TimeSpan flushPatience = TimeSpan.FromSeconds(5);

    private readonly Socket socket;
    private readonly RunnerServer server;
    private readonly JobTable jobs;
    private readonly ILogger logger;
    private readonly Outbox outbox;
    private readonly CancellationTokenSource closing = new();
    private HelloMessage agent = new(0, "", 0);

    public RunnerConnection(Socket socket, RunnerServer server, JobTable jobs, Outbox outbox, ILogger logger)
    {
        this.socket = socket;
        this.server = server;
        this.jobs = jobs;
        this.logger = logger;
        this.outbox = outbox;
    }

    /// <summary>Serves the agent until it goes, or is sent away.</summary>
    public async Task ServeAsync()
    {
        var stream = new NetworkStream(socket, ownsSocket: false);
        await using (stream.ConfigureAwait(false))
        {
            var sending = SendAsync(stream);
            try
            {
                await ReadAsync(stream).ConfigureAwait(false);
            }
            catch (RunnerProtocolException error)
            {
                logger.AgentSentAway(agent.Agent, error.Message);
            }
            catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // It is gone, or the runner ends. Its jobs go on.
            }

            jobs.Forget(this);
            outbox.Complete();
            await Task.WhenAny(sending, Task.Delay(flushPatience, CancellationToken.None)).ConfigureAwait(false);
            await closing.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(false);
        }
    }

    public void Tell(byte[] frame, bool isOutput = false)
    {
        if (!outbox.Post(frame, isOutput)) closing.Cancel();
    }

    /// <summary>Sends what waits, and no more; then the connection ends.</summary>
    public void Finish() => outbox.Complete();

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        outbox.Dispose();
        closing.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task ReadAsync(NetworkStream stream)
    {
        while (await Frame.ReadAsync(stream, closing.Token).ConfigureAwait(false) is { } frame)
        {
            var fields = new FieldReader(frame.Fields);
            switch (frame.Kind)
            {
                case FrameKind.Hello:
                    // It comes again where the agent wants to know whether this runner still answers.
                    var isFirst = agent.Pid == 0;
                    agent = HelloMessage.Read(fields);
                    if (isFirst) logger.AgentCame(agent.Agent, agent.Pid);
                    Tell(Frame.Encode(FrameKind.Welcome, frame.Number, server.Welcome().Write()));
                    break;
                case FrameKind.Run or FrameKind.Join:
                    jobs.Ask(JobOrder.Read(fields), agent.Agent, this, frame.Number, frame.Kind == FrameKind.Join);
                    break;
                case FrameKind.Cancel:
                    jobs.Cancel(fields.Key(), fields.Bool());
                    Tell(Frame.Encode(FrameKind.Done, frame.Number));
                    break;
                case FrameKind.Settle:
                    jobs.Settle(fields.Key());
                    Tell(Frame.Encode(FrameKind.Done, frame.Number));
                    break;
                case FrameKind.List:
                    foreach (var order in jobs.Unsettled()) await outbox.PostInTurnAsync(Frame.Encode(FrameKind.Entry, frame.Number, order.Write()), closing.Token).ConfigureAwait(false);
                    await outbox.PostInTurnAsync(Frame.Encode(FrameKind.Done, frame.Number), closing.Token).ConfigureAwait(false);
                    break;
                case FrameKind.Retire:
                    // The answer first: a runner that has nothing to do ends when it has retired.
                    Tell(Frame.Encode(FrameKind.Done, frame.Number));
                    server.Retire($"asked by agent {agent.Agent}");
                    break;
                default:
                    throw new RunnerProtocolException($"A frame of kind {frame.Kind} came, which no agent sends.");
            }
        }

        logger.AgentLeft(agent.Agent, agent.Pid);
    }

    private async Task SendAsync(NetworkStream stream)
    {
        try
        {
            while (await outbox.TakeAsync(closing.Token).ConfigureAwait(false) is { } frame) await stream.WriteAsync(frame, closing.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Whoever reads notices too.
        }

        // So that the reading ends as well, where it was this side that wanted to end, and whoever waits for room.
        outbox.Complete();
        socket.Shutdown(SocketShutdown.Both);
    }
}
