namespace Contingious.Agent.Work;

/// <summary>A wait that an end of its reason cuts short.</summary>
internal static class Pause
{
    /// <summary>Waits so long by the monotonic clock, or until one of the tokens is cancelled. It never throws.</summary>
    public static async Task ForAsync(TimeSpan length, TimeProvider time, CancellationToken first, CancellationToken second = default)
    {
        var over = new TaskCompletionSource();
        var timer = time.CreateTimer(End, over, length, Timeout.InfiniteTimeSpan);
        await using (timer.ConfigureAwait(false))
        {
            using var ended = first.UnsafeRegister(End, over);
            using var endedToo = second.UnsafeRegister(End, over);
            await over.Task.ConfigureAwait(false);
        }

        static void End(object? source) => ((TaskCompletionSource?)source)?.TrySetResult();
    }
}
