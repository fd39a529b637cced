using System.Globalization;
using Contingious.Agent.Queue;
using Contingious.Benchmarks;
using Contingious.Benchmarks.Clones;
using Contingious.Benchmarks.Jobs;
using Contingious.Benchmarks.Soak;
using Contingious.Benchmarks.Workloads;
using Contingious.Engine;

// As eng/benchmark.sh starts them: import, jobs and sizes inside the keeper (contingious unshare -- …), peers and workloads as root, soak as the account.
const string usage = """
    usage: Contingious.Benchmarks import LAYOUT SCRATCH ROUNDS
           Contingious.Benchmarks jobs IMAGE SAMPLES ROUNDS
           Contingious.Benchmarks peers SAMPLES ROUNDS IMAGE FIRST [NAME "PODMAN WORDS…"]...
           Contingious.Benchmarks exec SAMPLES ROUNDS IMAGE      with CONTINGIOUS_CLI in the environment
           Contingious.Benchmarks rate RUNS AT-ONCE COMMAND…     prints how many a second
           Contingious.Benchmarks report SAMPLES PLOT
           Contingious.Benchmarks soak IMAGE JOBS [AT-ONCE=PODMAN-A-SECOND]...      with CONTINGIOUS_CLI and CONTINGIOUS_BROKER in the environment
           Contingious.Benchmarks clones ROUNDS NAME=DIR…      as root; NAME is the file system of an empty DIR
           Contingious.Benchmarks workloads SAMPLES ROUNDS IMAGES TREE MEMORY DISK [NAME "PODMAN WORDS…"]...      as root, with CONTINGIOUS_CLI
           Contingious.Benchmarks workload-engine      what that starts inside the keeper
           Contingious.Benchmarks sizes SAMPLES ROUNDS SIZE=IMAGE…
           Contingious.Benchmarks workload-report SAMPLES PLOT
    eng/benchmark.sh makes what they need and starts them in the right place.
    """;

try
{
    switch (args)
    {
        case ["import", var layout, var scratch, var rounds] when IsCount(rounds, out var count):
            await new ImportBenchmark(Path.GetFullPath(layout), Path.GetFullPath(scratch)).RunAsync(count, Console.Out);
            return 0;
        case ["soak", var image, var jobs, .. var podman] when IsCount(jobs, out var count) && podman.All(peer => peer.Contains('=', StringComparison.Ordinal)):
            var broker = BrokerOptions.Parse(Required("CONTINGIOUS_BROKER"), $"soak-{Environment.ProcessId}");
            await new SoakBenchmark(Required("CONTINGIOUS_CLI"), broker, image).RunAsync(
                count, [.. podman.Select(peer => peer.Split('=')).Select(peer => (int.Parse(peer[0], CultureInfo.InvariantCulture), double.Parse(peer[1], CultureInfo.InvariantCulture)))], Console.Out);
            return 0;
        case ["jobs", var image, var samples, var rounds] when IsCount(rounds, out var count):
            await JobBenchmark.RunAsync(image, samples, count);
            return 0;
        case ["peers", var samples, var rounds, var image, var first, .. var podman] when IsCount(rounds, out var count):
            await PeerBenchmark.RunAsync(samples, count, [.. podman.Chunk(2).Select(one => (one[0], one[1].Split(' ')))], image, first);
            return 0;
        case ["exec", var samples, var rounds, var image] when IsCount(rounds, out var count):
            await new ExecBenchmark(Required("CONTINGIOUS_CLI"), new SampleFile(samples)).RunAsync(image, count);
            return 0;
        case ["rate", var runs, var atOnce, .. var command] when IsCount(runs, out var count) && IsCount(atOnce, out var together) && command.Length > 0:
            var rate = await FirstInstruction.RateAsync(count, together, _ => command);
            Console.WriteLine(rate.ToString("F2", CultureInfo.InvariantCulture));
            return 0;
        case ["report", var samples, var plot]:
            var report = new JobReport(new SampleFile(samples).Read());
            report.Write(Console.Out);
            await File.WriteAllTextAsync(plot, report.Plot());
            return 0;
        case ["clones", var rounds, .. var places] when IsCount(rounds, out var count) && places.All(place => place.Contains('=', StringComparison.Ordinal)):
            await new CloneBenchmark(count, Console.Out).RunAsync(places.Select(place => place.Split('=', 2)).ToDictionary(place => place[0], place => place[1]));
            return 0;
        case ["workloads", var samples, var rounds, var images, var tree, var memory, var disk, .. var podman] when IsCount(rounds, out var count):
            await new WorkloadBenchmark(new SampleFile(samples), count)
                .RunAsync(Required("CONTINGIOUS_CLI"), images, tree, (memory, disk), [.. podman.Chunk(2).Select(one => (one[0], one[1].Split(' ')))]);
            return 0;
        case ["workload-engine"]:
            await EngineWorker.RunAsync(Console.In, Console.Out);
            return 0;
        case ["sizes", var samples, var rounds, .. var images] when IsCount(rounds, out var count) && images.Length > 0:
            await SizeBenchmark.RunAsync(samples, count, [.. images.Select(image => image.Split('=', 2)).Select(image => (image[0], image[1]))]);
            return 0;
        case ["workload-report", var samples, var plot]:
            var workloads = new WorkloadReport(new SampleFile(samples).Read());
            workloads.Write(Console.Out);
            await File.WriteAllTextAsync(plot, workloads.Plot());
            return 0;
        default:
            Console.Error.WriteLine(usage);
            return 2;
    }
}
catch (ContingiousException error)
{
    Console.Error.WriteLine($"Contingious.Benchmarks: {error.Message}");
    return 1;
}

static bool IsCount(string text, out int count) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0;

static string Required(string variable) =>
    Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : throw new ContingiousException($"{variable} is not set: start this with eng/benchmark.sh.");
