using System.Text.Json;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Support;

/// <summary>A command run on a terminal as a person has one, by Python's pty module.</summary>
internal static class OuterTerminal
{
    private const string Python = "/usr/bin/python3";

    /// <summary>Types once the command has shown "ready". After a time the command is told to end, or killed.</summary>
    public static async Task<TerminalResult> RunAsync(TimeSpan time, string typed, bool kill, params string[] command)
    {
        Prerequisite.Require(File.Exists(Python), $"{Python} (apt-get install python3)");
        var script = Path.Combine(AppContext.BaseDirectory, "Support", "outer-terminal.py");
        var env = new Dictionary<string, string>(ProgramRunner.BareEnvironment) { ["SECRET_OF_THE_TEACHER"] = "secret-of-the-teacher" };
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } root) env["DOTNET_ROOT"] = root;
        var request = new ProgramRequest(Python, [script, $"{time.TotalSeconds}", JsonSerializer.Serialize(typed), kill ? "KILL" : "-", "--", .. command]) { Env = env };
        using var said = JsonDocument.Parse((await ProgramRunner.RequireAsync(request, TestContext.Current.CancellationToken)).Stdout);
        var result = said.RootElement;
        return new TerminalResult(
            System.Text.Encoding.UTF8.GetString(result.GetProperty("shown").GetBytesFromBase64()),
            result.GetProperty("exit").GetInt32(),
            result.GetProperty("restored").GetBoolean(),
            result.GetProperty("left").GetString() ?? "",
            TimeSpan.FromSeconds(result.GetProperty("seconds").GetDouble()));
    }
}

/// <param name="Shown">The end of what the terminal was sent.</param>
/// <param name="ExitCode">The command's; a negative one is a signal.</param>
/// <param name="Restored">Whether the terminal's settings are what they were.</param>
/// <param name="Left">What is in the terminal's input that nobody read: what the person's shell would take for typed.</param>
/// <param name="Time">How long it took.</param>
internal sealed record TerminalResult(string Shown, int ExitCode, bool Restored, string Left, TimeSpan Time);
