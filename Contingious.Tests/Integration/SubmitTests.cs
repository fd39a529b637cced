using System.Text.Json;
using Contingious.Tests.Support;

namespace Contingious.Tests.Integration;

/// <summary><c>contingious submit</c>, through a real broker and the real agent.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class SubmitTests(EngineFixture engine, PrivateBroker broker) : IClassFixture<PrivateBroker>
{
    [Fact]
    public async Task A_submitted_program_answers_as_one_that_is_run_here()
    {
        await engine.EngineAsync();
        var options = broker.NewOptions();
        await using var agent = await AgentProcess.StartAsync(options, slots: 1);
        var env = new Dictionary<string, string> { ["CONTINGIOUS_BROKER"] = options.Uri.ToString() };
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "content of a file");
        Task<CliResult> SubmitAsync(params string[] args) => Cli.RunAsync(env, ["submit", "--queue-prefix", options.Prefix, "--image", EngineFixture.ImageName, .. args]);

        var fine = await SubmitAsync("--file", $"{file}:data/in.txt", "--env", "NAME=value", "--", "sh", "-c", "cat data/in.txt; echo; echo $NAME >&2");
        Assert.Equal(new CliResult(0, "content of a file\n", "value\n"), fine);
        Assert.Equal(3, (await SubmitAsync("--", "sh", "-c", "exit 3")).ExitCode);

        var late = await SubmitAsync("--cpu-time", "200ms", "--", "sh", "-c", "while :; do :; done");
        Assert.Equal(124, late.ExitCode);
        Assert.Contains("CpuTimeLimit", late.Stderr);

        var json = JsonDocument.Parse((await SubmitAsync("--json", "--", "sh", "-c", "x=$(head -c 3000000 /dev/zero | tr '\\0' x); echo hello")).Stdout).RootElement;
        Assert.Equal("Ok", json.GetProperty("outcome").GetString());
        Assert.StartsWith("sha256:", json.GetProperty("image_digest").GetString());
        var step = json.GetProperty("steps")[0];
        Assert.Equal(("hello\n", 0), (step.GetProperty("stdout").GetString(), step.GetProperty("exit_code").GetInt32()));
        Assert.InRange(step.GetProperty("wall_time_us").GetInt64(), 100, 10_000_000);
        Assert.InRange(step.GetProperty("cpu_time_us").GetInt64(), 100, 10_000_000);
        // The kernel charges memory in batches: of a program that needs next to none it may see nothing.
        Assert.InRange(step.GetProperty("peak_memory_bytes").GetInt64(), 1 << 20, 256 << 20);
        Assert.Equal(
            ["LeaseImage", "CreateCgroup", "CloneRootfs", "WriteSpec", "CopyIn", "Launch", "Wait", "Stop", "Account", "CopyOut"],
            json.GetProperty("timings").EnumerateArray().Select(timing => timing.GetProperty("stage").GetString()));
        File.Delete(file);
    }
}
