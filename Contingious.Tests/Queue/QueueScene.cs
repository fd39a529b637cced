using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Tests.Support;

namespace Contingious.Tests.Queue;

/// <summary>Parts of the queue at a real broker, with a client that sees what is there. All go together.</summary>
internal sealed class QueueScene : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);

    private static readonly Dictionary<JobClass, int> weights = new() { [JobClass.Exam] = 16, [JobClass.Interactive] = 8, [JobClass.Batch] = 2, [JobClass.Replay] = 1 };

    private readonly Stack<IAsyncDisposable> parts = new();

    private QueueScene(BrokerOptions options, RawClient raw)
    {
        Options = options;
        Raw = raw;
        parts.Push(raw);
    }

    public BrokerOptions Options { get; }

    public RawClient Raw { get; }

    public ListLogger<QueueScene> Log { get; } = new();

    /// <param name="uri">The broker's own.</param>
    /// <param name="options">How the parts reach it.</param>
    public static async Task<QueueScene> StartAsync(Uri uri, BrokerOptions options)
    {
        await BrokerSetup.DeclareAsync(BrokerOptions.Parse(uri.OriginalString, options.Prefix), default);
        return new QueueScene(options, await RawClient.ConnectAsync(uri, options));
    }

    public async Task<BrokerConnection> ConnectAsync() => Add(await BrokerConnection.OpenAsync(Options, "test", Log, default));

    public async Task<JobSource> NewSourceAsync(IReadOnlyDictionary<JobClass, int>? given = null) => Add(new JobSource(await ConnectAsync(), given ?? weights, Log));

    public async Task<DecisionLog> NewDecisionsAsync()
    {
        var connection = await ConnectAsync();
        return Add(await DecisionLog.OpenAsync(connection, connection, Log, default).WaitAsync(Patience));
    }

    public async Task<ControlFeed> NewControlAsync()
    {
        var connection = await ConnectAsync();
        return Add(await ControlFeed.OpenAsync(connection, connection, Log, default).WaitAsync(Patience));
    }

    public T Add<T>(T part)
        where T : IAsyncDisposable
    {
        parts.Push(part);
        return part;
    }

    public static async Task<IJobDelivery> TakeAsync(JobSource source, TimeSpan? patience = null)
    {
        using var deadline = new CancellationTokenSource(patience ?? Patience);
        return await source.TakeAsync(deadline.Token);
    }

    /// <summary>Waits until something is so, and says what was not.</summary>
    public static async Task UntilAsync(Func<bool> isSo, string what)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (!isSo())
        {
            if (deadline.IsCancellationRequested) Assert.Fail($"Not within {Patience.TotalSeconds:0} s: {what}");
            await Task.Delay(20);
        }
    }

    /// <summary>Waits until a class's queue is there and has that many consumers.</summary>
    public async Task WaitForConsumersAsync(JobClass ofClass, uint count)
    {
        using var deadline = new CancellationTokenSource(Patience);
        var found = uint.MaxValue;
        while (!deadline.IsCancellationRequested)
        {
            // On a channel of its own: asking for a queue that is missing closes it.
            await using var raw = await Raw.OpenChannelAsync();
            try
            {
                if ((found = await raw.ConsumerCountAsync(Options.JobsQueueOf(ofClass))) == count) return;
            }
            catch (RabbitMQ.Client.Exceptions.OperationInterruptedException)
            {
                // Not there yet.
            }

            await Task.Delay(20);
        }

        Assert.Fail($"{Options.JobsQueueOf(ofClass)} has {found} consumers, not {count}.");
    }

    public async ValueTask DisposeAsync()
    {
        while (parts.TryPop(out var part)) await part.DisposeAsync();
    }
}
