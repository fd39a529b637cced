using System.Globalization;
using System.Text;
using Contingious.Engine.Host;

namespace Contingious.Agent.Telemetry;

/// <summary>
/// What a runner counts, for the agent's page: a file of the account's own, written every few seconds where something changed. A runner's process
/// has no page of its own, and a number that is seconds old is as good.
/// </summary>
internal sealed class RunnerMetrics : IAsyncDisposable
{
    /// <summary>Where runners of an account write.</summary>
    public static string DirectoryOf(HostLayout layout) => $"{layout.PrivateDirectory}/metrics";

    /// <summary>How old the agent's page may be in what it says of a runner.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly MetricsReader reader = new(Engine.Telemetry.Name);
    private readonly CancellationTokenSource ending = new();
    private readonly string path;
    private readonly Task writing;
    private string written = "";

    private RunnerMetrics(string directory, TimeProvider time)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        RunnerPages.RemoveDead(directory);
        path = $"{directory}/{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}{RunnerPages.Suffix}";
        writing = WriteAgainAsync(time);
    }

    /// <param name="directory">One directory for all runners of the account; made where it is missing.</param>
    /// <param name="time">The clock of the interval.</param>
    public static RunnerMetrics Start(string directory, TimeProvider time) => new(directory, time);

    /// <summary>Writes what is new.</summary>
    public void Write()
    {
        var now = reader.Read();
        if (now == written) return;
        try
        {
            File.WriteAllText($"{path}.new", now);
            File.Move($"{path}.new", path, overwrite: true);
            written = now;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A full disk: jobs matter more, and the next turn tries again.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await writing.ConfigureAwait(false);
        reader.Dispose();
        ending.Dispose();
        File.Delete(path);
    }

    private async Task WriteAgainAsync(TimeProvider time)
    {
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ending.Token).ConfigureAwait(false)) Write();
        }
        catch (OperationCanceledException)
        {
            // It ends.
        }
    }
}

/// <summary>Puts what runners wrote to the agent's own page: a label <c>runner</c> tells them apart.</summary>
internal static class RunnerPages
{
    public const string Suffix = ".prom";

    private const int MostFiles = 16;
    private const int MostBytes = 1 << 20;
    private const string Help = "# HELP ";

    /// <param name="own">The agent's own page.</param>
    /// <param name="directory">Where runners write.</param>
    /// <returns>One page in which every instrument comes once. Files of runners that are gone are left out.</returns>
    public static string Join(string own, string directory)
    {
        var pages = Read(directory).ToList();
        if (pages.Count == 0) return own;
        var families = new SortedDictionary<string, StringBuilder>(StringComparer.Ordinal);
        Take(families, own, runner: null);
        foreach (var (runner, text) in pages) Take(families, text, runner);
        return string.Concat(families.Values);
    }

    private static void Take(SortedDictionary<string, StringBuilder> families, string page, string? runner)
    {
        StringBuilder? family = null;
        var isNew = false;
        foreach (var line in page.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(Help, StringComparison.Ordinal))
            {
                var name = line[Help.Length..line.IndexOf(' ', Help.Length)];
                isNew = !families.TryGetValue(name, out family);
                if (isNew) families[name] = family = new StringBuilder();
            }

            if (line[0] != '#') family?.Append(runner is null ? line : Label(line, runner)).Append('\n');
            else if (isNew) family?.Append(line).Append('\n');
        }
    }

    private static string Label(string sample, string runner)
    {
        var end = sample.AsSpan().IndexOfAny('{', ' ');
        return sample[end] == '{' ? $"{sample[..end]}{{runner=\"{runner}\",{sample[(end + 1)..]}" : $"{sample[..end]}{{runner=\"{runner}\"}}{sample[end..]}";
    }

    /// <summary>Removes what runners have left that were killed.</summary>
    public static void RemoveDead(string directory)
    {
        foreach (var path in Directory.EnumerateFiles(directory).Where(path => !IsOfLiveRunner(path)))
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It is left out of every page all the same.
            }
        }
    }

    private static IEnumerable<(string Runner, string Text)> Read(string directory)
    {
        if (!Directory.Exists(directory)) yield break;
        foreach (var path in Directory.EnumerateFiles(directory, $"*{Suffix}").Where(IsOfLiveRunner).Order(StringComparer.Ordinal).Take(MostFiles))
        {
            if (TryRead(path) is { } text) yield return (PidOf(path), text);
        }
    }

    private static string PidOf(string path) => Path.GetFileName(path).Split('.')[0];

    private static bool IsOfLiveRunner(string path) => PidOf(path) is { Length: > 0 } pid && pid.All(char.IsAsciiDigit) && Directory.Exists($"/proc/{pid}");

    private static string? TryRead(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MostBytes ? File.ReadAllText(path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Its runner ended just now.
            return null;
        }
    }
}
