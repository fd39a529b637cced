using System.Diagnostics;
using System.Globalization;
using System.Text;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Jobs;

/// <summary>A peer's command line that ends in /bin/first.</summary>
internal static class FirstInstruction
{
    /// <summary>Runs it so often, and notes the times from its start to the first instruction inside, and to its end.</summary>
    /// <param name="name">The peer's.</param>
    /// <param name="rounds">How often.</param>
    /// <param name="pause">Before each.</param>
    /// <param name="command">Run one after another; the one that is <paramref name="counted"/> prints the instant.</param>
    /// <param name="counted">Which.</param>
    public static async Task<IReadOnlyList<Series>> MeasureAsync(string name, int rounds, TimeSpan pause, Func<int, IReadOnlyList<string[]>> command, int counted = 0)
    {
        var (first, whole) = (new Series($"{name}: to the first instruction"), new Series($"{name}: whole"));
        for (var round = -2; round < rounds; round++)
        {
            if (pause > TimeSpan.Zero) await Task.Delay(pause).ConfigureAwait(false);
            var commands = command(round + 2);
            var begun = Stopwatch.GetTimestamp();
            var said = "";
            for (var i = 0; i < commands.Count; i++)
            {
                var text = await RunAsync(commands[i]).ConfigureAwait(false);
                if (i == counted) said = text;
            }

            var elapsed = Stopwatch.GetElapsedTime(begun);

            // Twice to get warm.
            if (round < 0) continue;
            whole.Add(elapsed);
            first.Add(TimeSpan.FromTicks((long.Parse(said.Trim(), CultureInfo.InvariantCulture) - begun) / 100));
        }

        return [first, whole];
    }

    /// <summary>Runs it so often, and notes what each took from its start to its end.</summary>
    public static async Task<Series> WholeAsync(string name, int rounds, string[] command)
    {
        var whole = new Series(name);
        for (var round = -2; round < rounds; round++)
        {
            var begun = Stopwatch.GetTimestamp();
            _ = await RunAsync(command).ConfigureAwait(false);
            if (round >= 0) whole.Add(Stopwatch.GetElapsedTime(begun));
        }

        return whole;
    }

    /// <summary>Runs so many, so many at once.</summary>
    /// <returns>How many a second.</returns>
    public static async Task<double> RateAsync(int runs, int atOnce, Func<int, string[]> command)
    {
        var (left, watch) = (runs, Stopwatch.StartNew());
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(worker => Task.Run(async () =>
        {
            while (Interlocked.Decrement(ref left) is >= 0 and var round) _ = await RunAsync(command(round)).ConfigureAwait(false);
        }))).ConfigureAwait(false);
        return runs / watch.Elapsed.TotalSeconds;
    }

    /// <summary>Runs a program, which has to succeed.</summary>
    /// <returns>What it printed.</returns>
    public static async Task<string> RunAsync(string[] command) =>
        Encoding.ASCII.GetString((await ProgramRunner.RequireAsync(new ProgramRequest(command[0], command[1..]), CancellationToken.None).ConfigureAwait(false)).Stdout.Span);
}
