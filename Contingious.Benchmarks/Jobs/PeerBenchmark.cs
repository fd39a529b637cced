using Contingious.Engine;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Jobs;

/// <summary>What else a user could run a submission with today: podman as root and rootless, and isolate. Run as root, on the host.</summary>
internal static class PeerBenchmark
{
    /// <param name="samples">Where samples go.</param>
    /// <param name="rounds">How often each.</param>
    /// <param name="podman">The words that every podman command line begins with, up to <c>run</c>, by the name of the series.</param>
    /// <param name="image">The image's name with podman.</param>
    /// <param name="first">The program /bin/first on the host, for isolate; which is left out where it is not installed.</param>
    public static async Task RunAsync(string samples, int rounds, IReadOnlyList<(string Name, string[] Words)> podman, string image, string first)
    {
        var file = new SampleFile(samples);
        foreach (var (name, words) in podman)
        {
            string[] command = [.. words, "run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", image, "/bin/first"];
            file.Append(await FirstInstruction.MeasureAsync(name, rounds, TimeSpan.Zero, _ => [command]).ConfigureAwait(false));
            file.Append([Series.Of($"{name}, 4 at once: jobs a second", await FirstInstruction.RateAsync(rounds * 2, 4, _ => command).ConfigureAwait(false))]);
        }

        if (ProgramRunner.Find("isolate") is not { } isolate) return;
        var box = (await FirstInstruction.RunAsync([isolate, "--init"]).ConfigureAwait(false)).Trim();
        _ = await FirstInstruction.RunAsync([isolate, "--cleanup"]).ConfigureAwait(false);
        if (box.Length == 0) throw new ContingiousException("isolate --init names no box.");
        file.Append(await FirstInstruction.MeasureAsync(
            "isolate",
            rounds,
            TimeSpan.Zero,
            _ => [[isolate, "--init"], ["cp", "--", first, $"{box}/box/first"], [isolate, "--run", "--", "./first"], [isolate, "--cleanup"]],
            counted: 2).ConfigureAwait(false));
    }
}
