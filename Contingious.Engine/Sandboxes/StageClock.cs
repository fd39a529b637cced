using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>Times the stages of one job, and gives its stage to every fault of ours.</summary>
internal sealed class StageClock(TimeProvider time, Action<Stage>? entering)
{
    private readonly List<StageTiming> timings = [];

    public IReadOnlyList<StageTiming> Timings => timings;

    public T Run<T>(Stage stage, Func<T> work)
    {
        entering?.Invoke(stage);
        var started = time.GetTimestamp();
        try
        {
            return work();
        }
        catch (Exception error) when (IsOurs(error))
        {
            throw new StageException(stage, error.Message, error);
        }
        finally
        {
            timings.Add(new StageTiming(stage, time.GetElapsedTime(started)));
        }
    }

    public void Run(Stage stage, Action work) => Run(stage, () =>
    {
        work();
        return true;
    });

    public async Task<T> RunAsync<T>(Stage stage, Func<Task<T>> work)
    {
        entering?.Invoke(stage);
        var started = time.GetTimestamp();
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (Exception error) when (IsOurs(error))
        {
            throw new StageException(stage, error.Message, error);
        }
        finally
        {
            timings.Add(new StageTiming(stage, time.GetElapsedTime(started)));
        }
    }

    public Task RunAsync(Stage stage, Func<ValueTask> work) => RunAsync(stage, async () =>
    {
        await work().ConfigureAwait(false);
        return true;
    });

    // Faults that say already what they are keep their type.
    private static bool IsOurs(Exception error) => error is not (ContingiousException or OperationCanceledException);
}
