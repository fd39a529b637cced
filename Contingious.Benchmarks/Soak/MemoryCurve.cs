using System.Globalization;
using System.Text;

namespace Contingious.Benchmarks.Soak;

/// <summary>What the agent and its runner hold in memory while jobs pass: the anonymous resident memory of each, looked at every second.</summary>
internal sealed class MemoryCurve
{
    private static readonly TimeSpan every = TimeSpan.FromSeconds(1);
    private static readonly string[] kinds = ["agent", "runner"];

    private readonly List<Look> looks = [];

    public IReadOnlyList<Look> Looks => looks;

    /// <param name="count">Jobs that are done.</param>
    /// <param name="done">Ends it.</param>
    public async Task WatchAsync(Func<int> count, CancellationToken done)
    {
        using var timer = new PeriodicTimer(every);
        do
        {
            foreach (var kind in kinds)
            {
                var bytes = Held(kind);
                if (bytes > 0) looks.Add(new Look(kind, count(), bytes));
            }
        }
        while (await TickAsync(timer, done).ConfigureAwait(false));
    }

    /// <summary>By how much it grows, in bytes a job, over the second half: what is there for good is there by then (least squares).</summary>
    public double SlopeOf(string kind)
    {
        var all = looks.Where(look => look.Kind == kind).ToArray();
        var half = all[(all.Length / 2)..];
        if (half.Length < 2) return 0;
        var (jobs, bytes) = (half.Average(look => look.Jobs), half.Average(look => look.Bytes));
        var spread = half.Sum(look => (look.Jobs - jobs) * (look.Jobs - jobs));
        return spread == 0 ? 0 : half.Sum(look => (look.Jobs - jobs) * (look.Bytes - bytes)) / spread;
    }

    /// <summary>What each kind has in memory now, bytes: with its part of what it shares with others (Pss, proc_pid_smaps(5)), such as the runtime's own libraries.</summary>
    public static IReadOnlyDictionary<string, long> Resident() => kinds.ToDictionary(kind => kind, kind => Held(kind, "smaps_rollup", "Pss:"));

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken done)
    {
        try
        {
            return await timer.WaitForNextTickAsync(done).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Of all processes that are <c>contingious KIND</c> and ours to look at.</summary>
    private static long Held(string kind, string file = "status", string line = "RssAnon:")
    {
        var held = 0L;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!char.IsAsciiDigit(Path.GetFileName(directory)[0])) continue;
            try
            {
                var words = Encoding.UTF8.GetString(File.ReadAllBytes($"{directory}/cmdline")).Split('\0');
                var at = Array.FindIndex(words, word => Path.GetFileName(word) is "contingious" or "contingious.dll");
                if (at < 0 || at + 1 >= words.Length || words[at + 1] != kind) continue;
                held += ValueOf($"{directory}/{file}", line);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It has ended, or is somebody else's.
            }
        }

        return held;
    }

    private static long ValueOf(string file, string name)
    {
        var line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }
}

/// <summary>How much there was at one moment.</summary>
/// <param name="Kind"><c>agent</c> or <c>runner</c>.</param>
/// <param name="Jobs">That were done by then.</param>
/// <param name="Bytes">Anonymous and resident.</param>
internal readonly record struct Look(string Kind, int Jobs, long Bytes);
