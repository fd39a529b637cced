using System.Security.Cryptography;
using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>A result that was kept.</summary>
internal sealed record KeptResult(Outcome Outcome, ReadOnlyMemory<byte> Result);

/// <summary>
/// Results on disk until the broker has them, and a while longer: <c>results/HASH.result</c>, and beside it <c>HASH.job</c>, the job as it came, until the result is
/// settled. Where the disk does not take them they are kept in memory. Several runners of an account share the directory: what one has not heard of is looked for there.
/// </summary>
internal sealed class Journal
{
    private const string ResultSuffix = ".result";
    private const string JobSuffix = ".job";
    private const int HashDigits = 40;
    private const int MostDamaged = 16;

    private readonly string directory;
    private readonly string damaged;
    private readonly JournalBounds bounds;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Lock access = new();
    private readonly Dictionary<string, JournalEntry> entries = new(StringComparer.Ordinal);

    // The same, in the order in which they go when there are too many.
    private readonly SortedSet<(bool IsUnsettled, long Order, string Name)> turns = [];
    private long order;
    private long bytes;

    private Journal(string root, JournalBounds bounds, TimeProvider time, ILogger logger)
    {
        directory = $"{root}/results";
        damaged = $"{root}/damaged";
        this.bounds = bounds;
        this.time = time;
        this.logger = logger;
    }

    /// <summary>Opens what is there. What is no file of a journal is set aside and said.</summary>
    /// <exception cref="IOException">The directory cannot be made or read.</exception>
    public static Journal Open(string root, JournalBounds bounds, TimeProvider time, ILogger logger)
    {
        var journal = new Journal(root, bounds, time, logger);
        Directory.CreateDirectory(root, RunnerPlace.Closed);
        Directory.CreateDirectory(journal.directory, RunnerPlace.Closed);
        journal.Load();
        journal.Evict();
        return journal;
    }

    /// <summary>A file name for a job: its id may have 128 characters, and its names are not the file system's to read.</summary>
    public static string NameOf(JobKey key) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{key.JobId}\n{key.Attempt}\n{key.Content}")))[..HashDigits];

    public static bool IsName(string name) => name.Length == HashDigits && name.All(char.IsAsciiHexDigitLower);

    /// <summary>The result of a job, where one is kept.</summary>
    public KeptResult? Find(JobKey key)
    {
        var name = NameOf(key);
        lock (access)
        {
            if (entries.TryGetValue(name, out var entry) && entry.Unwritten is { } kept) return kept;
        }

        var path = PathOf(name, ResultSuffix);
        try
        {
            var fields = new FieldReader(JournalFile.Read(path, JournalFile.OfResult));
            if (fields.Key() != key) throw new RunnerProtocolException("it is of another job");
            return new KeptResult(fields.Name<Outcome>(), fields.Bytes());
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is RunnerProtocolException or IOException or UnauthorizedAccessException)
        {
            SetAside(path, error.Message);
            return null;
        }
    }

    /// <summary>Keeps a result, on disk or else in memory.</summary>
    public void Keep(JobOrder order, Outcome outcome, ReadOnlyMemory<byte> result)
    {
        var name = NameOf(order.Key);
        KeptResult? unwritten = null;
        long size;
        try
        {
            // The job first: a result without one counts as settled.
            size = JournalFile.Write(PathOf(name, JobSuffix), JournalFile.OfJob, order.Write().Written.Span);
            size += JournalFile.Write(PathOf(name, ResultSuffix), JournalFile.OfResult, new FieldWriter().Key(order.Key).Name(outcome).Bytes(result.Span).Written.Span);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            JournalFile.TryDelete(PathOf(name, JobSuffix));
            logger.JournalNotWritten(directory, error.Message);
            unwritten = new KeptResult(outcome, result);

            // What is held here now, whatever the disk took of it before.
            size = (long)order.Message.Length + result.Length;
        }

        lock (access) Add(name, new JournalEntry(++this.order, size) { Job = unwritten is null ? null : order, Unwritten = unwritten });
        Evict();
    }

    /// <summary>The broker has the job's result: the job itself is not kept any longer.</summary>
    public void Settle(JobKey key)
    {
        var name = NameOf(key);
        JournalFile.TryDelete(PathOf(name, JobSuffix));
        lock (access)
        {
            if (!entries.TryGetValue(name, out var entry) || entry.Settled is not null) return;
            turns.Remove(entry.Turn(name));
            entry.Settled = time.GetTimestamp();
            turns.Add(entry.Turn(name));
            entry.Job = null;
        }

        Evict();
    }

    /// <summary>The jobs whose results are kept and not settled; each is read from the disk when its turn comes.</summary>
    public IEnumerable<JobOrder> Unsettled()
    {
        List<(string Name, JobOrder? Job)> unsettled;
        lock (access) unsettled = [.. entries.Where(entry => entry.Value.Settled is null).OrderBy(entry => entry.Value.Order).Select(entry => (entry.Key, entry.Value.Job))];
        foreach (var (name, job) in unsettled)
        {
            if ((job ?? ReadJob(name)) is { } order) yield return order;
        }
    }

    /// <summary>Removes what is beyond the bounds: settled results first, then the oldest.</summary>
    /// <param name="alsoExpired">Those too that were settled long ago.</param>
    public void Evict(bool alsoExpired = false)
    {
        var evicted = new List<string>();
        lock (access)
        {
            if (!alsoExpired && entries.Count <= bounds.MostResults && bytes <= bounds.MostBytes.Bytes) return;
            var excess = entries.Count - bounds.MostResults;
            foreach (var (isUnsettled, _, name) in turns)
            {
                var entry = entries[name];
                var expired = alsoExpired && entry.Settled is { } settled && time.GetElapsedTime(settled) > bounds.SettledFor;
                if (!expired && excess <= 0 && bytes <= bounds.MostBytes.Bytes)
                {
                    if (!alsoExpired || isUnsettled) break;
                    continue;
                }

                evicted.Add(name);
                bytes -= entry.Size;
                excess--;
            }

            foreach (var name in evicted) Remove(name);
        }

        foreach (var name in evicted)
        {
            JournalFile.TryDelete(PathOf(name, ResultSuffix));
            JournalFile.TryDelete(PathOf(name, JobSuffix));
        }
    }

    private JobOrder? ReadJob(string name)
    {
        var path = PathOf(name, JobSuffix);
        try
        {
            return JobOrder.Read(new FieldReader(JournalFile.Read(path, JournalFile.OfJob)));
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is RunnerProtocolException or IOException or UnauthorizedAccessException)
        {
            SetAside(path, error.Message);
            return null;
        }
    }

    private void Load()
    {
        var files = new DirectoryInfo(directory).EnumerateFileSystemInfos().OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.Name, StringComparer.Ordinal).ToList();
        var names = files.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var file in files)
        {
            var name = Path.GetFileNameWithoutExtension(file.Name);
            if (file is FileInfo found && IsName(name) && file.Extension == ResultSuffix)
            {
                var hasJob = names.Contains(name + JobSuffix);
                var size = found.Length + (hasJob ? new FileInfo(PathOf(name, JobSuffix)).Length : 0);
                Add(name, new JournalEntry(++order, size) { Settled = hasJob ? null : time.GetTimestamp() });
            }
            else if (file.Name.EndsWith(JournalFile.UnfinishedSuffix, StringComparison.Ordinal) || (IsName(name) && file.Extension == JobSuffix && !names.Contains(name + ResultSuffix)))
            {
                // Its writer was killed before the result had its name: the job comes again.
                JournalFile.TryDelete(file.FullName);
            }
            else if (!IsName(name) || file.Extension != JobSuffix)
            {
                SetAside(file.FullName, "its name is none that the journal gives");
            }
        }
    }

    private void Add(string name, JournalEntry entry)
    {
        if (Remove(name) is { } before) bytes -= before.Size;
        entries.Add(name, entry);
        turns.Add(entry.Turn(name));
        bytes += entry.Size;
    }

    private JournalEntry? Remove(string name)
    {
        if (!entries.Remove(name, out var entry)) return null;
        turns.Remove(entry.Turn(name));
        return entry;
    }

    /// <summary>Out of the way, and kept for whoever wants to know.</summary>
    private void SetAside(string path, string why)
    {
        logger.JournalFileSetAside(path, why);
        try
        {
            Directory.CreateDirectory(damaged, RunnerPlace.Closed);
            foreach (var old in new DirectoryInfo(damaged).EnumerateFiles().OrderByDescending(file => file.LastWriteTimeUtc).Skip(MostDamaged - 1)) old.Delete();
            var place = $"{damaged}/{Path.GetFileName(path)}";
            if (Directory.Exists(path)) Directory.Move(path, place);
            else File.Move(path, place, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            JournalFile.TryDelete(path);
        }

        lock (access)
        {
            if (Remove(Path.GetFileNameWithoutExtension(path)) is { } entry) bytes -= entry.Size;
        }
    }

    private string PathOf(string name, string suffix) => $"{directory}/{name}{suffix}";

    private sealed class JournalEntry(long order, long size)
    {
        public long Order => order;

        public long Size => size;

        /// <summary>When it was settled, on the monotonic clock.</summary>
        public long? Settled { get; set; }

        /// <summary>Held here where the disk did not take it.</summary>
        public JobOrder? Job { get; set; }

        public KeptResult? Unwritten { get; init; }

        /// <summary>Settled results first, then the oldest.</summary>
        public (bool IsUnsettled, long Order, string Name) Turn(string name) => (Settled is null, order, name);
    }
}
