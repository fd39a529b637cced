using System.CommandLine;
using System.Text.Json;
using Contingious.Agent.Configuration;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious doctor</c>: what this host lacks, and the command that mends it.</summary>
internal static class DoctorCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var json = ReportRenderer.JsonOption();
        var account = new Option<string?>("--account") { Description = "examine the host for this account (the one this command runs for)", HelpName = "NAME" };
        var command = new Command("doctor", "Examine this host and name the command that mends each finding. Exits with 1 where no job could run.") { account, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            // For another account than one's own only root can look.
            if (parsed.GetValue(account) is null) await AccountEntry.LeaveRootAsync(args, cancellation).ConfigureAwait(false);
            var whom = parsed.GetValue(account) ?? Environment.GetEnvironmentVariable(AccountEntry.AccountVariable);
            if (whom is null && Credentials.EffectiveUid != 0) whom = $"{Credentials.EffectiveUid}";
            var doctor = await Doctor.ForAsync(whom, HostRoot.Real, cancellation, ConfiguredRuntime.Of).ConfigureAwait(false);
            var findings = (await doctor.ExamineAsync(cancellation).ConfigureAwait(false)).OrderByDescending(finding => finding.Severity).ToList();
            if (parsed.GetValue(json)) Console.WriteLine(JsonSerializer.Serialize(findings, CliJson.Default.ListFinding));
            else Render(findings, "This host is ready.", "This host is not ready");
            return findings.Exists(finding => finding.Severity == Severity.Fatal) ? 1 : ExitCodes.Ok;
        });
        return command;
    }

    /// <summary>A finding a line with what mends it, and one of two sentences at the end.</summary>
    internal static void Render(List<Finding> findings, string ready, string notReady)
    {
        foreach (var finding in findings)
        {
            Console.WriteLine($"{finding.Severity.ToString().ToLowerInvariant(),-8} {finding.Check}: {finding.Message}");
            if (finding.Remedy.Length > 0) Console.WriteLine($"{"",-8} mend it with: {finding.Remedy}");
        }

        var fatal = findings.Count(finding => finding.Severity == Severity.Fatal);
        Console.WriteLine(fatal == 0 ? ready : $"{notReady}: {fatal} of these must be mended first.");
    }
}
