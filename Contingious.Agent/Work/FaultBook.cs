using Contingious.Agent.Wire;

namespace Contingious.Agent.Work;

/// <summary>
/// How often jobs were tried here and failed for a fault of ours, the latest of them. The broker counts too, for all agents together; but since RabbitMQ 4.3
/// it does not count what an agent gave back by itself.
/// </summary>
internal sealed class FaultBook
{
    private const int Most = 1_000;

    private readonly Lock access = new();
    private readonly Dictionary<JobKey, Entry> entries = [];
    private readonly Queue<JobKey> byAge = new();

    /// <summary>Notes one more fault.</summary>
    /// <param name="key">The job.</param>
    /// <param name="givenBack">How often the broker says that it was given back before.</param>
    /// <returns>How often it was tried.</returns>
    public int Add(JobKey key, int givenBack)
    {
        lock (access)
        {
            var entry = EntryOf(key);
            return entry.Tries = Math.Max(entry.Tries, givenBack - entry.Excused) + 1;
        }
    }

    /// <summary>The job is given back for what it has no part in, so that this giving back is no try of it.</summary>
    public void Excuse(JobKey key)
    {
        lock (access) EntryOf(key).Excused++;
    }

    private Entry EntryOf(JobKey key)
    {
        if (entries.TryGetValue(key, out var known)) return known;
        byAge.Enqueue(key);
        if (byAge.Count > Most) entries.Remove(byAge.Dequeue());
        return entries[key] = new Entry();
    }

    private sealed class Entry
    {
        public int Tries { get; set; }

        public int Excused { get; set; }
    }
}
