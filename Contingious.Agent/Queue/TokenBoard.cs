namespace Contingious.Agent.Queue;

/// <summary>Tokens by key, one for each for as long as somebody holds it or listens to it. What nobody holds takes no room. Not for several threads.</summary>
internal sealed class TokenBoard<TKey>
    where TKey : notnull
{
    private const int FirstSweep = 256;

    // A token and a registration at it hold their source; this board does not.
    private readonly Dictionary<TKey, WeakReference<CancellationTokenSource>> sources = [];
    private int nextSweep = FirstSweep;

    public CancellationToken Of(TKey key)
    {
        if (sources.TryGetValue(key, out var known) && known.TryGetTarget(out var living)) return living.Token;
        if (sources.Count >= nextSweep) Sweep();
        var source = new CancellationTokenSource();
        sources[key] = new WeakReference<CancellationTokenSource>(source);
        return source.Token;
    }

    /// <summary>Cancels the key's token, if anybody has it. Who listens is called on another thread.</summary>
    public void Cancel(TKey key)
    {
        if (sources.Remove(key, out var known) && known.TryGetTarget(out var living)) _ = living.CancelAsync();
    }

    /// <summary>Cancels every token whose key it is so for.</summary>
    public void CancelWhere(Func<TKey, bool> isSo)
    {
        foreach (var key in sources.Keys.Where(isSo).ToList()) Cancel(key);
    }

    private void Sweep()
    {
        foreach (var (key, _) in sources.Where(source => !source.Value.TryGetTarget(out _)).ToList()) sources.Remove(key);
        nextSweep = Math.Max(FirstSweep, sources.Count * 2);
    }
}
