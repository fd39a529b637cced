using System.CommandLine;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary>Tells all agents that a job is to be cancelled; every attempt of it where none is named.</summary>
internal delegate Task JobCancellation(BrokerOptions broker, string jobId, int? attempt, CancellationToken cancellation);

/// <summary><c>contingious cancel</c>: ends a job wherever it is, waiting or running.</summary>
internal static class CancelCommand
{
    public static Command Build(IReadOnlyList<string> args, JobCancellation cancel)
    {
        var job = new Argument<string>("JOB") { Description = "the job's id" };
        var attempt = new Option<int?>("--attempt") { Description = "this attempt alone (all of them)", HelpName = "N" };
        var broker = new BrokerOption();
        var command = new Command("cancel", "Cancel a job: it is answered with Cancelled, unless it has its result already.") { job, attempt };
        broker.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var jobId = parsed.GetRequiredValue(job);
            if (!SandboxId.IsJobId(jobId)) throw new RejectedRequestException("JOB", $"{TerminalText.Of(jobId)} is no job's id: {SandboxId.JobIdRule}");
            if (parsed.GetValue(attempt) is { } number and (< 0 or > WireFormat.MaxAttempt)) throw new RejectedRequestException("--attempt", $"--attempt {number}: from 0 to {WireFormat.MaxAttempt}.");
            await cancel(await broker.ReadAsync(parsed, cancellation).ConfigureAwait(false), jobId, parsed.GetValue(attempt), cancellation).ConfigureAwait(false);
            Console.WriteLine($"asked for {jobId} to be cancelled");
        });
        return command;
    }
}
