using System.CommandLine;
using System.Security.Cryptography;
using Contingious.Agent.Queue;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious submit</c>: one program as a job through the broker, on whichever agent takes it.</summary>
internal static class SubmitCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var image = new Option<string>("--image", "-i") { Description = "an image that the agents have imported", HelpName = "IMAGE", Required = true };
        var id = new Option<string?>("--job-id") { Description = "the job's id (a random one)", HelpName = "ID" };
        var program = new ProgramOptions();
        var broker = new BrokerOption();
        var json = ReportRenderer.JsonOption();
        var command = new Command("submit", "Post a job and print its result. Exits as 'run' does.") { image, id, program.Command, json };
        program.AddTo(command);
        broker.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var jobId = parsed.GetValue(id) ?? $"submit-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
            if (!SandboxId.IsJobId(jobId)) throw new Engine.RejectedRequestException("--job-id", $"--job-id {jobId}: {SandboxId.JobIdRule}");
            var job = program.Read(parsed, jobId, parsed.GetRequiredValue(image));
            var submitter = await JobSubmitter.ConnectAsync(broker.Read(parsed), cancellation).ConfigureAwait(false);
            await using (submitter.ConfigureAwait(false))
            {
                var result = await submitter.SubmitAsync(job, cancellation).ConfigureAwait(false);
                await ReportRenderer.RenderAsync(result.Report, parsed.GetValue(json)).ConfigureAwait(false);
                return ExitCodes.Of(result.Report);
            }
        });
        return command;
    }
}
