namespace Contingious.Agent.Runner;

/// <summary>Somebody who asked for a job, and is told of it.</summary>
internal interface IAsker
{
    /// <summary>Never blocks and never fails.</summary>
    void Tell(byte[] frame, bool isOutput = false);
}

/// <summary>A job that runs, and who is told of it.</summary>
internal sealed class RunningJob(JobOrder order) : IDisposable
{
    private readonly Lock access = new();
    private readonly List<(IAsker Asker, uint Number)> askers = [];
    private readonly CancellationTokenSource ending = new();
    private bool isOver;

    public JobOrder Order => order;

    public CancellationToken Ending => ending.Token;

    /// <summary>Somebody asked for the run's end: its result says so whatever it was about to say.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>Nothing is kept of the run.</summary>
    public bool IsAbandoned { get; private set; }

    /// <returns>False where the run is over.</returns>
    public bool TryAdd(IAsker asker, uint number)
    {
        lock (access)
        {
            if (!isOver) askers.Add((asker, number));
            return !isOver;
        }
    }

    public void Remove(IAsker asker)
    {
        lock (access) askers.RemoveAll(entry => ReferenceEquals(entry.Asker, asker));
    }

    public void Cancel(bool abandon)
    {
        lock (access)
        {
            if (isOver) return;
            IsCancelled = true;
            IsAbandoned |= abandon;
        }

        try
        {
            // Not on this thread: what waits for it goes on there, for as long as it takes.
            _ = ending.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It has ended since.
        }
    }

    /// <summary>Tells all that something happened.</summary>
    public void Tell(FrameKind kind, FieldWriter fields, bool isOutput)
    {
        lock (access)
        {
            foreach (var (asker, number) in askers) asker.Tell(Frame.Encode(kind, number, fields), isOutput);
        }
    }

    /// <summary>Tells all how it ended. Whoever asks from now on is not added.</summary>
    public void End(FrameKind kind, FieldWriter? fields)
    {
        lock (access)
        {
            isOver = true;
            foreach (var (asker, number) in askers) asker.Tell(Frame.Encode(kind, number, fields));
            askers.Clear();
        }
    }

    public void Dispose() => ending.Dispose();
}
