using Contingious.Agent.Runner;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Tests.Leftovers;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Runner;

/// <summary>A runner in a process of its own that is killed in the midst of its jobs: the test program, which executes itself again.</summary>
public sealed class RunnerVictim
{
    private const string Variable = "CONTINGIOUS_TEST_RUNNER";
    private const string Poisoned = "poison";

    [Fact(Explicit = true)]
    public async Task Runs_jobs_until_it_is_killed()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } text) return;
        ThreadPool.SetMinThreads(16, 16);
        var words = text.Split('|');
        var place = new RunnerPlace(words[0], words[1], words[2]);
        var options = new RunnerOptions { Id = words[3], Fingerprint = words[4] };
        var layout = (await AccountEntry.FindAsync(TestContext.Current.CancellationToken)).Layout;
        async Task<RunnerEngine> OpenAsync()
        {
            var calm = await SandboxEngine.OpenAsync(layout, TestedEngine.Options, TimeProvider.System, NullLogger.Instance);
            var deadly = await SandboxEngine.OpenAsync(layout, TestedEngine.Options with { Entering = Hook(words[5]) }, TimeProvider.System, NullLogger.Instance);
            return new RunnerEngine((request, observer, cancellation) => (request.Id.Value.Contains(Poisoned, StringComparison.Ordinal) ? deadly : calm).RunAsync(request, observer, cancellation));
        }

        await RunnerServer.RunAsync(place, options, OpenAsync, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);
    }

    /// <summary>Starts one whose jobs with <c>poison</c> in their id end it.</summary>
    internal static async Task StartAsync(RunnerPlace place, string id, string fingerprint, string trap)
    {
        var scratch = Directory.CreateDirectory($"{place.SocketDirectory}/../victim-{id}").FullName;
        string[] command =
        [
            "env", $"{Variable}={place.SocketDirectory}|{place.JournalDirectory}|{place.LogFile}|{id}|{fingerprint}|{trap}", $"TMPDIR={scratch}", Environment.ProcessPath!,
            "--filter-method", $"{typeof(RunnerVictim).FullName}.{nameof(Runs_jobs_until_it_is_killed)}", "--explicit", "only", "--results-directory", scratch, "--no-ansi", "--no-progress",
        ];
        await RunnerStart.StartAsync(place, scratch, command, new Dictionary<string, string>(), TestContext.Current.CancellationToken);
    }

    private static Action<Stage> Hook(string trap)
    {
        if (trap.Length > 0) return Trap.Parse(trap).OfJob(jobs: 1);
        var self = ProcessIdentity.Of(Environment.ProcessId) ?? throw new InvalidOperationException("/proc does not have this process.");
        return stage =>
        {
            if (stage == Stage.Wait) self.Signal(ProcessIdentity.SigKill);
        };
    }
}
