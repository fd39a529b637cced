using System.Text;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>How the tests of this folder run a hostile program, and read what it says.</summary>
internal static class Submission
{
    /// <summary>Runs a native program, which is in the working directory, by a line of shell.</summary>
    public static async Task<RunReport> RunNativeAsync(this EngineFixture engine, InputFile program, string script, Limits? limits = null, string? user = null) =>
        await engine.RunAsync(
            ["sh", "-c", script],
            step => step with { Limits = limits ?? Limits.Default, User = user },
            request => request with { Files = [program], Root = user == "0" });

    public static string Stdout(this RunReport report) => Encoding.UTF8.GetString(Assert.Single(report.Steps).Stdout.Span);

    public static string[] Lines(this RunReport report) => report.Stdout().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What it said, where it ended well; else the report tells what became of it.</summary>
    public static string RequireOk(this RunReport report)
    {
        Assert.True(report.Outcome == Outcome.Ok, $"{report.Outcome}: {report.Message}\n{(report.Steps.Count > 0 ? Encoding.UTF8.GetString(report.Steps[^1].Stdout.Span) + Encoding.UTF8.GetString(report.Steps[^1].Stderr.Span) : "")}");
        return report.Stdout();
    }

    /// <summary>Runs a further command in a live sandbox, as soon as it can be had.</summary>
    public static async Task<CliResult> ExecAsync(SandboxId sandbox, params string[] command)
    {
        CliResult result;
        var attempts = 0;
        do
        {
            if (attempts++ > 0) await Task.Delay(100);
            result = await Cli.RunAsync(["exec", sandbox.Value, "--", .. command]);
        }
        while (result.ExitCode == 125 && attempts < 50);
        return result;
    }
}
