using System.CommandLine;
using System.Security.Cryptography;
using Contingious.Agent.Wire;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious submit</c>: one program as a job through the broker, on whichever agent takes it.</summary>
internal static class SubmitCommand
{
    public static Command Build(IReadOnlyList<string> args, JobLineOpener open)
    {
        var image = new Option<string>("--image", "-i") { Description = "an image that the agents have imported", HelpName = "IMAGE", Required = true };
        var id = new Option<string?>("--job-id") { Description = "the job's id (a random one)", HelpName = "ID" };
        var ofClass = new Option<JobClass>("--class")
        {
            Description = $"whose queue it goes to: {string.Join(", ", WireNames<JobClass>.All)} (interactive)",
            HelpName = "CLASS",
            DefaultValueFactory = _ => JobClass.Interactive,
            CustomParser = result =>
            {
                if (WireNames<JobClass>.Find(result.Tokens[0].Value) is { } found) return found;
                result.AddError($"--class: '{result.Tokens[0].Value}' is no class. There are: {string.Join(", ", WireNames<JobClass>.All)}.");
                return default;
            },
        };
        var within = new Option<TimeSpan?>("--start-within")
        {
            Description = "not to be run when it could not begin in that time, such as 30s",
            HelpName = "TIME",
            CustomParser = result =>
            {
                if (LimitOptions.TryParseDuration(result.Tokens[0].Value, out var time)) return time;
                result.AddError($"--start-within: '{result.Tokens[0].Value}' is no time. Write it as 500ms, 2s or 1m.");
                return null;
            },
        };
        var follow = new Option<bool>("--follow", "-f") { Description = "show what it writes while it runs" };
        var detach = new Option<bool>("--detach", "-d") { Description = "print the job's id once the broker has it, and do not wait" };
        var program = new ProgramOptions();
        var broker = new BrokerOption();
        var json = ReportRenderer.JsonOption();
        var command = new Command("submit", "Post a job and print its result. Exits as 'run' does.") { image, id, ofClass, within, follow, detach, program.Command, json };
        command.Validators.Add(result =>
        {
            if (result.GetValue(follow) && result.GetValue(detach)) result.AddError("--follow and --detach: one of them.");
        });
        program.AddTo(command);
        broker.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var jobId = parsed.GetValue(id) ?? $"submit-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
            if (!SandboxId.IsJobId(jobId)) throw new Engine.RejectedRequestException("--job-id", $"--job-id {jobId}: {SandboxId.JobIdRule}");
            var job = program.Read(parsed, jobId, parsed.GetRequiredValue(image)) with { StartBefore = TimeProvider.System.GetUtcNow() + parsed.GetValue(within) };
            var line = await open(await broker.ReadAsync(parsed, cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            await using (line.ConfigureAwait(false))
            {
                if (parsed.GetValue(detach))
                {
                    await line.PostAsync(job, parsed.GetValue(ofClass), cancellation).ConfigureAwait(false);
                    Console.WriteLine(jobId);
                    return ExitCodes.Ok;
                }

                var report = parsed.GetValue(follow)
                    ? await FollowAsync(line, job, parsed.GetValue(ofClass), Live(), cancellation).ConfigureAwait(false)
                    : (await line.SubmitAsync(job, parsed.GetValue(ofClass), happened: null, cancellation).ConfigureAwait(false)).Report;
                // What was shown live is not shown again.
                var left = parsed.GetValue(follow) && !parsed.GetValue(json) ? report with { Steps = [] } : report;
                await ReportRenderer.RenderAsync(left, parsed.GetValue(json)).ConfigureAwait(false);
                return ExitCodes.Of(report);
            }
        });
        return command;
    }

    /// <summary>Posts a job, shows it while it runs, and makes up for what was not seen.</summary>
    internal static async Task<RunReport> FollowAsync(IJobLine line, Job job, JobClass ofClass, LiveOutput live, CancellationToken cancellation)
    {
        try
        {
            var result = await line.SubmitAsync(job, ofClass, happened => live.ShowAsync(happened, cancellation), cancellation).ConfigureAwait(false);
            await live.EndAsync(result.Report, cancellation).ConfigureAwait(false);
            return result.Report;
        }
        catch
        {
            await live.RestoreAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private static LiveOutput Live() => new(Console.OpenStandardOutput(), Console.OpenStandardError(), (!Console.IsOutputRedirected, !Console.IsErrorRedirected));
}
