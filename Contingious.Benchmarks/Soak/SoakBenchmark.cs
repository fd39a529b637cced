using System.Diagnostics;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Soak;

/// <summary>
/// Many small jobs through a real broker and the real agent program, end to end: how many a second, how long each took from its post to its result,
/// and whether the agent's memory stays what it was.
/// </summary>
/// <param name="contingious">The command line.</param>
/// <param name="broker">Queues of the benchmark's own.</param>
/// <param name="image">Whose own command is the job.</param>
internal sealed class SoakBenchmark(string contingious, BrokerOptions broker, string image)
{
    private const int WarmUp = 100;
    private const int AtOnceOfSlot = 4;

    private static readonly TimeSpan quiet = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(2);

    private readonly string run = $"soak-{Environment.ProcessId}";
    private readonly List<Finished> finished = [];
    private int posted;

    /// <param name="jobs">How many are counted.</param>
    /// <param name="podman">By how many at once: how many a second a loop of podman did on this machine. The agent has as many slots; with none it has one for each CPU.</param>
    /// <param name="report">Where the tables go.</param>
    /// <exception cref="ContingiousException">A job did not end as it should: then nothing that was measured means anything.</exception>
    public async Task RunAsync(int jobs, IReadOnlyList<(int AtOnce, double Rate)> podman, TextWriter report)
    {
        var rates = new List<double>();
        var tables = new SoakReport(report);
        var slots = podman.Count > 0 ? podman[0].AtOnce : Environment.ProcessorCount;
        await WithAgentAsync(slots, async submitter => rates.Add(await MeasureAsync(submitter, jobs, slots, tables).ConfigureAwait(false))).ConfigureAwait(false);
        foreach (var (more, _) in podman.Skip(1))
        {
            await WithAgentAsync(more, async submitter => rates.Add(await RateAsync(submitter, jobs / 4, more).ConfigureAwait(false))).ConfigureAwait(false);
        }

        await tables.WriteRatesAsync([.. podman.Zip(rates, (peer, rate) => (peer.AtOnce, rate, peer.Rate))]).ConfigureAwait(false);
    }

    private async Task WithAgentAsync(int slots, Func<JobSubmitter, Task> measure)
    {
        string[] options = ["--slots", $"{slots}", "--set", $"agent.cpus={Math.Max(slots, Environment.ProcessorCount)}", "--queue-prefix", broker.Prefix];
        using var agent = ProgramRunner.Start(new ProgramRequest(contingious, ["agent", .. options]) { Env = AgentEnvironment() });
        var log = new LastLines();
        var reading = Task.WhenAll(log.ReadAsync(agent.Stdout), log.ReadAsync(agent.Stderr));
        try
        {
            var submitter = await JobSubmitter.ConnectAsync(broker, CancellationToken.None).ConfigureAwait(false);
            await using (submitter.ConfigureAwait(false)) await measure(submitter).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ContingiousException or TimeoutException)
        {
            throw new ContingiousException($"{error.Message} The agent said last: {log}", error);
        }
        finally
        {
            await StopAsync(agent).ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }
    }

    /// <returns>Jobs a second.</returns>
    private async Task<double> RateAsync(JobSubmitter submitter, int jobs, int slots)
    {
        await SubmitAllAsync(submitter, WarmUp, slots * AtOnceOfSlot).ConfigureAwait(false);
        var started = Stopwatch.GetTimestamp();
        await SubmitAllAsync(submitter, jobs, slots * AtOnceOfSlot).ConfigureAwait(false);
        return jobs / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    /// <returns>Jobs a second.</returns>
    private async Task<double> MeasureAsync(JobSubmitter submitter, int jobs, int slots, SoakReport report)
    {
        // One alone until the agent is there, then some that are not counted: code is compiled, and buffers grow.
        await SubmitAsync(submitter).ConfigureAwait(false);
        await Task.Delay(quiet).ConfigureAwait(false);
        var idle = MemoryCurve.Resident();
        await SubmitAllAsync(submitter, WarmUp, slots * AtOnceOfSlot).ConfigureAwait(false);
        var alone = await AloneAsync(submitter).ConfigureAwait(false);
        finished.Clear();
        var memory = new MemoryCurve();
        using var done = new CancellationTokenSource();
        var watching = memory.WatchAsync(() => finished.Count, done.Token);
        var started = Stopwatch.GetTimestamp();
        await SubmitAllAsync(submitter, jobs, slots * AtOnceOfSlot).ConfigureAwait(false);
        var elapsed = Stopwatch.GetElapsedTime(started);
        await done.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        await report.WriteAsync(finished, alone, elapsed, slots, slots * AtOnceOfSlot, memory).ConfigureAwait(false);
        await Task.Delay(quiet).ConfigureAwait(false);
        await report.WriteResidentAsync(idle, MemoryCurve.Resident(), posted).ConfigureAwait(false);
        return jobs / elapsed.TotalSeconds;
    }

    /// <summary>One at a time: what somebody waits who is the only one.</summary>
    private async Task<IReadOnlyList<Finished>> AloneAsync(JobSubmitter submitter)
    {
        finished.Clear();
        await SubmitAllAsync(submitter, WarmUp, 1).ConfigureAwait(false);
        return [.. finished];
    }

    private async Task SubmitAllAsync(JobSubmitter submitter, int count, int atOnce) =>
        await Parallel.ForEachAsync(
            Enumerable.Range(0, count),
            new ParallelOptions { MaxDegreeOfParallelism = atOnce },
            async (_, _) => await SubmitAsync(submitter).ConfigureAwait(false)).ConfigureAwait(false);

    private async Task SubmitAsync(JobSubmitter submitter)
    {
        var number = Interlocked.Increment(ref posted);
        var jobId = $"{run}-{number}";
        var job = new Job(jobId, 1, new RunRequest { Id = SandboxId.For(jobId, 1), Image = image, Steps = [new StepRequest { Name = "hello" }] });
        var started = Stopwatch.GetTimestamp();
        var result = await submitter.SubmitAsync(job, CancellationToken.None).WaitAsync(patience).ConfigureAwait(false);
        var elapsed = Stopwatch.GetElapsedTime(started);
        if (result.Report.Outcome != Outcome.Ok) throw new ContingiousException($"Job {number} was not Ok but {result.Report.Outcome}: {result.Report.Message}");
        var inSandbox = TimeSpan.FromTicks(result.Report.Timings.Sum(timing => timing.Elapsed.Ticks));
        lock (finished) finished.Add(new Finished(elapsed, inSandbox));
    }

    // SIGTERM: running jobs are finished, and everything is given back.
    private static async Task StopAsync(RunningProgram agent)
    {
        _ = await ProgramRunner.RunAsync(new ProgramRequest("kill", "-TERM", $"{agent.Pid}"), CancellationToken.None).ConfigureAwait(false);
        try
        {
            await agent.WaitAsync(CancellationToken.None).WaitAsync(patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            agent.Kill();
        }
    }

    // The broker's address holds a password: not on the command line, which everybody may read.
    private static Dictionary<string, string> AgentEnvironment()
    {
        var env = new Dictionary<string, string>(ProgramRunner.BareEnvironment);
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable is { Key: string name, Value: string value } && (name.StartsWith("CONTINGIOUS_", StringComparison.Ordinal) || name.StartsWith("DOTNET_", StringComparison.Ordinal) || name is "HOME" or "PATH")) env[name] = value;
        }

        return env;
    }
}

/// <summary>A job that is done.</summary>
/// <param name="Elapsed">From its post to its result.</param>
/// <param name="InSandbox">The stages of the engine together.</param>
internal readonly record struct Finished(TimeSpan Elapsed, TimeSpan InSandbox);
