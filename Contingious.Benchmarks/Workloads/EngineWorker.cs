using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Sandboxes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Benchmarks.Workloads;

/// <summary>Runs workloads with our engine, inside the keeper: an order in each line of its input, what became of it in a line of its output.</summary>
internal sealed class EngineWorker(HostLayout layout)
{
    /// <summary>A hundred thousand files on a tmpfs take 400 MiB, and a file of 1 GiB has room beside them.</summary>
    private static readonly Limits ample = new()
    {
        CpuTime = TimeSpan.FromMinutes(10),
        WallTime = TimeSpan.FromMinutes(10),
        Memory = ByteSize.FromMiB(3072),
        Processes = 256,
        Cpus = Environment.ProcessorCount,
        Disk = ByteSize.FromMiB(1536),
        Inodes = 250_000,
        FileSize = ByteSize.FromMiB(2048),
    };

    private readonly LiveSandboxes live = new(layout, TimeProvider.System);
    private readonly ConcurrentDictionary<DiskBackend, SandboxEngine> engines = new();
    private int next;

    public static async Task RunAsync(TextReader orders, TextWriter answers)
    {
        var worker = new EngineWorker((await AccountEntry.FindAsync(CancellationToken.None).ConfigureAwait(false)).Layout);
        while (await orders.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            await answers.WriteLineAsync(await worker.AnswerAsync(EngineOrder.Parse(line)).ConfigureAwait(false)).ConfigureAwait(false);
            await answers.FlushAsync().ConfigureAwait(false);
        }
    }

    private async Task<string> AnswerAsync(EngineOrder order)
    {
        try
        {
            var sample = await RunAsync(order).ConfigureAwait(false);
            return string.Create(CultureInfo.InvariantCulture, $"ok\t{sample.Total.Ticks}\t{sample.Start.Ticks}\t{sample.Said.ReplaceLineEndings(" ").Trim()}");
        }
        catch (ContingiousException error)
        {
            return $"failed\t{error.Message.ReplaceLineEndings(" ")}";
        }
    }

    private async Task<WorkloadSample> RunAsync(EngineOrder order)
    {
        if (!engines.TryGetValue(order.Disk, out var engine)) engine = engines[order.Disk] = await OpenAsync(order.Disk).ConfigureAwait(false);
        return order.IsStep ? await StepAsync(engine, order).ConfigureAwait(false) : await ExecAsync(engine, order).ConfigureAwait(false);
    }

    // Cold: nothing is made ahead.
    private Task<SandboxEngine> OpenAsync(DiskBackend disk) =>
        SandboxEngine.OpenAsync(layout, EngineOptions.Default with { Disk = new DiskPolicy { Backend = disk } }, TimeProvider.System, NullLogger.Instance);

    /// <summary>A job whose step is the command.</summary>
    private async Task<WorkloadSample> StepAsync(SandboxEngine engine, EngineOrder order)
    {
        var watcher = new Watcher();
        var begun = Stopwatch.GetTimestamp();
        var report = await engine.RunAsync(RequestFor(order.Image, order.Args), watcher, CancellationToken.None).ConfigureAwait(false);
        if (report.Outcome != Outcome.Ok) throw new ContingiousException(Fate(report));
        return new WorkloadSample(Stopwatch.GetElapsedTime(begun, watcher.ConcludedAt), Stopwatch.GetElapsedTime(begun, await watcher.Started.ConfigureAwait(false)), Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
    }

    /// <summary>A job whose step only waits, and the command as a further one in its container.</summary>
    private async Task<WorkloadSample> ExecAsync(SandboxEngine engine, EngineOrder order)
    {
        using var ending = new CancellationTokenSource();
        var watcher = new Watcher();
        var request = RequestFor(order.Image, ["sleep", "infinity"]);
        var begun = Stopwatch.GetTimestamp();
        var job = engine.RunAsync(request, watcher, ending.Token);
        if (await Task.WhenAny(job, watcher.Started).ConfigureAwait(false) == job) throw new ContingiousException(Fate(await job.ConfigureAwait(false)));
        var started = Stopwatch.GetElapsedTime(begun, await watcher.Started.ConfigureAwait(false));
        try
        {
            using var session = await live.ExecAsync(request.Id.Value, new SessionRequest { Args = order.Args, IsChild = true }, CancellationToken.None).ConfigureAwait(false);
            var said = await RequireAsync(session.Program).ConfigureAwait(false);
            var total = Stopwatch.GetElapsedTime(begun);
            await session.EndAsync().ConfigureAwait(false);
            return new WorkloadSample(total, started, said);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            _ = await job.ConfigureAwait(false);
        }
    }

    // The runtime dies with the thread that started it.
    private static async Task<string> RequireAsync(ProgramRequest request)
    {
        using var program = await ProgramRunner.StartOnOwnThreadAsync(request).ConfigureAwait(false);
        program.Stdin.Close();
        using var stdout = new StreamReader(program.Stdout);
        using var stderr = new StreamReader(program.Stderr);
        var (said, complained) = (stdout.ReadToEndAsync(), stderr.ReadToEndAsync());
        await program.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        if (program.ExitCode != 0) throw new ContingiousException($"exited with {program.ExitCode}: {await complained.ConfigureAwait(false)}");
        return await said.ConfigureAwait(false);
    }

    private RunRequest RequestFor(string image, IReadOnlyList<string> args) => new()
    {
        Id = SandboxId.For($"workload-{Environment.ProcessId}-{++next}", 1),
        Image = image,
        Limits = ample,
        Steps = [new StepRequest { Name = "step", Args = args, Limits = ample }],
    };

    private static string Fate(RunReport report) =>
        $"{report.Outcome}: {report.Message} {string.Join(' ', report.Steps.Select(step => Encoding.UTF8.GetString(step.Stderr.Span)))}";

    private sealed class Watcher : IRunObserver
    {
        private readonly TaskCompletionSource<long> started = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The instant at which the step's command began.</summary>
        public Task<long> Started => started.Task;

        public long ConcludedAt { get; private set; }

        public void StepStarted(string step) => started.TrySetResult(Stopwatch.GetTimestamp());

        public void StepWrote(string step, bool isStderr, ReadOnlySpan<byte> data)
        {
        }

        public void StepEnded(StepReport report)
        {
        }

        public void Concluded(RunReport report) => ConcludedAt = Stopwatch.GetTimestamp();
    }
}
