using System.Diagnostics;
using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks;

/// <summary>One run of one or more programs after each other, each from its start to its end.</summary>
/// <param name="Elapsed">Wall-clock time of all.</param>
/// <param name="PeakResident">Bytes: the largest VmHWM of any of them, as /proc/PID/status says shortly before the end.</param>
internal readonly record struct Sample(TimeSpan Elapsed, long PeakResident)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    /// <exception cref="ContingiousException">One of them failed; the message quotes what it said.</exception>
    public static async Task<Sample> TakeAsync(IReadOnlyDictionary<string, string> env, params string[][] commands)
    {
        var peak = 0L;
        var watch = Stopwatch.StartNew();
        foreach (var command in commands)
        {
            using var running = ProgramRunner.Start(new ProgramRequest(command[0], command[1..]) { Env = env });
            var stdout = ReadAsync(running.Stdout);
            var stderr = ReadAsync(running.Stderr);
            running.Stdin.Close();
            var ended = running.WaitAsync(CancellationToken.None);
            while (!ended.IsCompleted)
            {
                peak = Math.Max(peak, HighWater(running.Pid));
                await Task.WhenAny(ended, Task.Delay(LookEvery)).ConfigureAwait(false);
            }

            if (running.ExitCode != 0) throw new ContingiousException($"{string.Join(' ', command)} exited with {running.ExitCode}: {await stderr.ConfigureAwait(false)}{await stdout.ConfigureAwait(false)}");
        }

        return new Sample(watch.Elapsed, peak);
    }

    private static long HighWater(int pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
        }
        catch (IOException)
        {
            // It has ended.
            return 0;
        }
    }

    private static async Task<string> ReadAsync(Stream stream)
    {
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync().ConfigureAwait(false);
    }
}
