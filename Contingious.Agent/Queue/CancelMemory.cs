namespace Contingious.Agent.Queue;

/// <summary>
/// Which jobs are to be cancelled, each for as long as it was said for. An agent that comes later and reads an old cancel keeps it for as long,
/// counted from the reading. Bounded, and the oldest go. Not for several threads.
/// </summary>
/// <param name="keep">How long a cancel counts after it was last heard.</param>
/// <param name="most">How many are kept.</param>
/// <param name="time">Counts.</param>
internal sealed class CancelMemory(TimeSpan keep, int most, TimeProvider time)
{
    /// <summary>A stand-in for all attempts, which no job has.</summary>
    public const int AllAttempts = -1;

    private readonly Dictionary<(string JobId, int Attempt), long> heard = [];
    private readonly Queue<((string JobId, int Attempt) Key, long Stamp)> byAge = new();

    public int Count => heard.Count;

    /// <summary>Keeps it; one that is kept already is young again.</summary>
    public void Add(string jobId, int attempt)
    {
        var stamp = time.GetTimestamp();
        heard[(jobId, attempt)] = stamp;
        byAge.Enqueue(((jobId, attempt), stamp));
        while (byAge.Count > most || IsOld(byAge.Peek().Stamp)) Forget(byAge.Dequeue());
    }

    /// <summary>Whether this attempt, or all of them, are to be cancelled.</summary>
    public bool Has(string jobId, int attempt) => IsYoung((jobId, attempt)) || IsYoung((jobId, AllAttempts));

    private bool IsYoung((string JobId, int Attempt) key) => heard.TryGetValue(key, out var stamp) && !IsOld(stamp);

    private bool IsOld(long stamp) => time.GetElapsedTime(stamp) > keep;

    private void Forget(((string JobId, int Attempt) Key, long Stamp) oldest)
    {
        // Not one that was heard again since.
        if (heard.TryGetValue(oldest.Key, out var stamp) && stamp == oldest.Stamp) heard.Remove(oldest.Key);
    }
}
