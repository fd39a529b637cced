namespace Contingious.Agent.Work;

/// <summary>
/// Looks whether the keeper that this process is in is still the account's. An agent whose keeper is gone, or was replaced, can start no runner that
/// anybody could reach: it has to be started anew, in the new one.
/// </summary>
/// <param name="isOwn">Whether the account's live keeper is the one that this process is in.</param>
/// <param name="time">The clock.</param>
internal sealed class KeeperWatch(Func<bool> isOwn, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    // A file that could not be read once, for want of a descriptor, is no keeper that is gone.
    private const int LooksToBelieve = 2;

    /// <returns>True when the keeper is gone; false when <paramref name="cancellation"/> asked to stop looking.</returns>
    public async Task<bool> WhenGoneAsync(CancellationToken cancellation)
    {
        for (var missed = 0; missed < LooksToBelieve;)
        {
            await Pause.ForAsync(Interval, time, cancellation).ConfigureAwait(false);
            if (cancellation.IsCancellationRequested) return false;
            missed = isOwn() ? 0 : missed + 1;
        }

        return true;
    }
}
