using System.Collections.Concurrent;
using System.Threading.Channels;
using Contingious.Engine.Model;

namespace Contingious.Tests.Work;

/// <summary>Stands in for the engine: counts what it is asked to run, and runs for as long as the test wants.</summary>
internal sealed class FakeEngine
{
    private readonly ConcurrentDictionary<string, int> runs = new(StringComparer.Ordinal);
    private readonly Channel<string> started = Channel.CreateUnbounded<string>();
    private int atOnce;
    private int mostAtOnce;

    /// <summary>What a run does; it ends at once with <see cref="Outcome.Ok"/> where nothing is set.</summary>
    public Func<RunRequest, CancellationToken, Task<RunReport>> Behaviour { get; set; } = (_, _) => Task.FromResult(Ok());

    public IReadOnlyDictionary<string, int> Runs => runs;

    public int MostAtOnce => mostAtOnce;

    public static RunReport Ok(string stdout = "") => new()
    {
        Outcome = Outcome.Ok,
        Steps = [new StepReport { Name = "step-1", Outcome = Outcome.Ok, ExitCode = 0, Stdout = System.Text.Encoding.UTF8.GetBytes(stdout) }],
    };

    public async Task<RunReport> RunAsync(RunRequest request, CancellationToken cancellation)
    {
        runs.AddOrUpdate(request.Id.Value, 1, (_, count) => count + 1);
        var now = Interlocked.Increment(ref atOnce);
        for (var most = mostAtOnce; now > most && Interlocked.CompareExchange(ref mostAtOnce, now, most) != most; most = mostAtOnce)
        {
        }

        started.Writer.TryWrite(request.Id.Value);
        try
        {
            return await Behaviour(request, cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref atOnce);
        }
    }

    /// <summary>Waits until one more run has begun.</summary>
    public Task WaitForStartAsync() => started.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
}
