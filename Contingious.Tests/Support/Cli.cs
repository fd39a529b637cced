using System.Diagnostics;

namespace Contingious.Tests.Support;

/// <summary>The built command line, run as its users run it.</summary>
internal static class Cli
{
    public static string Path { get; } = Environment.GetEnvironmentVariable("CONTINGIOUS_CLI") ?? System.IO.Path.Combine(AppContext.BaseDirectory, "contingious");

    public static Task<CliResult> RunAsync(params string[] args) => RunAsync(new Dictionary<string, string>(), args);

    public static async Task<CliResult> RunAsync(IReadOnlyDictionary<string, string> env, params string[] args)
    {
        var start = new ProcessStartInfo(Path, args) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in env) start.Environment[name] = value;
        using var process = Process.Start(start) ?? throw new InvalidOperationException("The command line did not start.");
        process.StandardInput.Close();
        var stdout = process.StandardOutput.ReadToEndAsync();
        var stderr = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return new CliResult(process.ExitCode, await stdout, await stderr);
    }

    public static Process Start(params string[] args) =>
        Process.Start(new ProcessStartInfo(Path, args) { RedirectStandardOutput = true, RedirectStandardError = true }) ?? throw new InvalidOperationException("The command line did not start.");

    public static void Signal(int pid, int signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{pid}"]);
        kill.WaitForExit();
    }
}

internal sealed record CliResult(int ExitCode, string Stdout, string Stderr);
