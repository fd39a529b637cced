namespace Contingious.Benchmarks.Clones;

/// <summary>A way to get a tree of one's own.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="RunAsync">What is timed.</param>
/// <param name="CleanUp">Takes away what it made, and is not timed.</param>
internal sealed record CloneContender(string Name, Func<Task> RunAsync, Action CleanUp)
{
    public Series Series { get; } = new(Name);

    public async Task TakeAsync(bool isCounted)
    {
        var started = TimeProvider.System.GetTimestamp();
        await RunAsync().ConfigureAwait(false);
        var elapsed = TimeProvider.System.GetElapsedTime(started);
        CleanUp();
        if (isCounted) Series.Add(elapsed);
    }
}
