using System.Globalization;
using System.Text.Json.Nodes;
using Contingious.Engine;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Jobs;

/// <summary>A further command in a live sandbox, as a shell starts it. Run as the account, on the host.</summary>
/// <param name="contingious">The command line.</param>
/// <param name="samples">Where samples go.</param>
internal sealed class ExecBenchmark(string contingious, SampleFile samples)
{
    public const string Ours = "contingious exec", Bare = "nsenter and crun exec";

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    public async Task RunAsync(string image, int rounds)
    {
        using var job = ProgramRunner.Start(new ProgramRequest(contingious, "run", "--wall-time", "10m", image, "--", "/bin/sleep", "600"));
        try
        {
            var (sandbox, container) = await AwaitAsync().ConfigureAwait(false);
            var layout = (await Engine.Host.AccountEntry.FindAsync(CancellationToken.None).ConfigureAwait(false)).Layout;
            var keeper = JsonNode.Parse(await File.ReadAllTextAsync(layout.KeeperFile).ConfigureAwait(false))!["pid"]!.GetValue<int>().ToString(CultureInfo.InvariantCulture);
            string[] bare =
            [
                "nsenter", "--user", "--mount", "--preserve-credentials", "--target", keeper, "crun", "--root", layout.CrunDirectory, "--cgroup-manager=disabled",
                "exec", container, "/bin/true",
            ];
            samples.Append([await FirstInstruction.WholeAsync(Bare, rounds, bare).ConfigureAwait(false)]);
            samples.Append([await FirstInstruction.WholeAsync(Ours, rounds, [contingious, "exec", sandbox, "--", "/bin/true"]).ConfigureAwait(false)]);
        }
        finally
        {
            _ = await ProgramRunner.RunAsync(new ProgramRequest("kill", "-TERM", $"{job.Pid}"), CancellationToken.None).ConfigureAwait(false);
            await job.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task<(string Sandbox, string Container)> AwaitAsync()
    {
        for (var left = patience; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(500))
        {
            await Task.Delay(500).ConfigureAwait(false);
            var live = JsonNode.Parse(await FirstInstruction.RunAsync([contingious, "ps", "--json"]).ConfigureAwait(false))!.AsArray();
            if (live.Count == 1 && live[0]!["container"] is { } container) return (live[0]!["name"]!.GetValue<string>(), container.GetValue<string>());
        }

        throw new ContingiousException("There is not one live sandbox: nothing else may run meanwhile.");
    }
}
