using Contingious.Agent.Wire;

namespace Contingious.Agent.Queue;

/// <summary>Events that wait to be sent, bounded: when there are too many the oldest that are not final are dropped, output first.</summary>
internal sealed class EventQueue(int mostEvents, long mostBytes)
{
    private readonly Lock access = new();
    private readonly LinkedList<JobEvent> waiting = new();
    private long bytes;
    private int finals;

    /// <summary>Events that were dropped.</summary>
    public long Dropped { get; private set; }

    public void Add(JobEvent happened)
    {
        lock (access)
        {
            waiting.AddLast(happened);
            Count(happened, 1);
            while ((waiting.Count - finals > mostEvents || bytes > mostBytes) && DropOne())
            {
            }
        }
    }

    /// <summary>Takes all.</summary>
    public List<JobEvent> TakeAll()
    {
        lock (access)
        {
            var taken = waiting.ToList();
            waiting.Clear();
            bytes = 0;
            finals = 0;
            return taken;
        }
    }

    /// <summary>Final events that could not be sent come first again; others are dropped with what they came with.</summary>
    public void PutBack(IReadOnlyList<JobEvent> unsent)
    {
        lock (access)
        {
            foreach (var each in unsent.Reverse())
            {
                if (each.Kind != JobEventKind.Finished)
                {
                    Dropped++;
                    continue;
                }

                waiting.AddFirst(each);
                Count(each, 1);
            }
        }
    }

    private bool DropOne()
    {
        var victim = First(JobEventKind.Output) ?? First(null);
        if (victim is null) return false;
        waiting.Remove(victim);
        Count(victim.Value, -1);
        Dropped++;
        return true;
    }

    /// <summary>The oldest of a kind, or of all that are not final.</summary>
    private LinkedListNode<JobEvent>? First(JobEventKind? kind)
    {
        for (var node = waiting.First; node is not null; node = node.Next)
        {
            if (kind is null ? node.Value.Kind != JobEventKind.Finished : node.Value.Kind == kind) return node;
        }

        return null;
    }

    private void Count(JobEvent happened, int sign)
    {
        bytes += sign * happened.Data.Length;
        if (happened.Kind == JobEventKind.Finished) finals += sign;
    }
}
