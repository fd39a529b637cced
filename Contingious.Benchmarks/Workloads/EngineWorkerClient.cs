using System.Collections;
using System.Globalization;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Workloads;

/// <summary>The worker's other end: starts one inside the keeper and has it run one order after another. It ends with its input.</summary>
internal sealed class EngineWorkerClient : IAsyncDisposable
{
    private readonly RunningProgram worker;
    private readonly StreamReader answers;
    private readonly Task<string> complaints;

    /// <param name="cli">The command <c>contingious</c>, which knows the way into the keeper.</param>
    public EngineWorkerClient(string cli)
    {
        // The keeper's account, and where the runtime of .NET is, are in the environment.
        var env = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => $"{entry.Key}", entry => $"{entry.Value}");
        var self = Environment.ProcessPath ?? throw new ContingiousException("This process has no path.");
        worker = ProgramRunner.Start(new ProgramRequest(cli, "unshare", "--", self, "workload-engine") { Env = env });
        answers = new StreamReader(worker.Stdout);
        complaints = new StreamReader(worker.Stderr).ReadToEndAsync();
    }

    /// <exception cref="ContingiousException">It failed; the message says how.</exception>
    public async Task<WorkloadSample> RunAsync(EngineOrder order)
    {
        await worker.Stdin.WriteAsync(Encoding.UTF8.GetBytes($"{order.ToLine()}\n")).ConfigureAwait(false);
        await worker.Stdin.FlushAsync().ConfigureAwait(false);
        var answer = await answers.ReadLineAsync().ConfigureAwait(false) ?? throw new ContingiousException($"The engine's process has ended: {await complaints.ConfigureAwait(false)}");
        var words = answer.Split('\t', 4);
        if (words is not ["ok", var total, var start, var said]) throw new ContingiousException($"{order.Image}: {string.Join(' ', order.Args)}: {answer}");
        return new WorkloadSample(TimeSpan.FromTicks(Number(total)), TimeSpan.FromTicks(Number(start)), said);
    }

    public async ValueTask DisposeAsync()
    {
        worker.Stdin.Close();
        await worker.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        answers.Dispose();
        worker.Dispose();
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
