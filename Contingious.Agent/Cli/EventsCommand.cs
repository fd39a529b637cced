using System.CommandLine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious events</c>: what happens to jobs, from now on.</summary>
internal static class EventsCommand
{
    public static Command Build(IReadOnlyList<string> args, JobLineOpener open)
    {
        var id = new Option<string?>("--job") { Description = "of this job alone (of all)", HelpName = "ID" };
        var json = new Option<bool>("--json") { Description = "print an object of JSON a line" };
        var broker = new BrokerOption();
        var command = new Command("events", "Show what happens to jobs until interrupted, or until the job that is named is finished.") { id, json };
        broker.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var jobId = parsed.GetValue(id);
            if (jobId is not null && !SandboxId.IsJobId(jobId)) throw new Engine.RejectedRequestException("--job", $"--job {TerminalText.Of(jobId)}: {SandboxId.JobIdRule}");
            var line = await open(await broker.ReadAsync(parsed, cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            await using (line.ConfigureAwait(false))
            {
                await ShowAsync(line, jobId, parsed.GetValue(json), Console.Out, cancellation).ConfigureAwait(false);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    internal static async Task ShowAsync(IJobLine line, string? jobId, bool asJson, TextWriter to, CancellationToken cancellation)
    {
        await foreach (var happened in line.FollowAsync(jobId, cancellation).ConfigureAwait(false))
        {
            foreach (var text in asJson ? [EventRenderer.ToJson(happened)] : EventRenderer.ToLines(happened)) await to.WriteLineAsync(text.AsMemory(), cancellation).ConfigureAwait(false);
            await to.FlushAsync(cancellation).ConfigureAwait(false);
            if (jobId is not null && happened.Kind == Wire.JobEventKind.Finished) return;
        }
    }
}
