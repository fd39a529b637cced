using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>
/// What .NET has in the temporary directory for debuggers and tracers while a process lives: a socket and two pipes, named after its pid and the
/// time it started. It removes them when the process ends by itself, which one that becomes another program never does.
/// Source: https://learn.microsoft.com/dotnet/core/diagnostics/diagnostic-port, and dotnet/runtime, src/coreclr/debug/debug-pal.
/// </summary>
internal static class DiagnosticFiles
{
    /// <summary>Removes those of this process, which nobody can debug from then on. Whoever changes to another user does so before.</summary>
    public static void Remove()
    {
        if (ProcessIdentity.Of(Environment.ProcessId) is not { } own) return;
        var key = string.Create(CultureInfo.InvariantCulture, $"{own.Pid}-{own.StartTime}");
        var directory = Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } chosen ? chosen : "/tmp";
        foreach (var name in new[] { $"dotnet-diagnostic-{key}-socket", $"clr-debug-pipe-{key}-in", $"clr-debug-pipe-{key}-out" })
        {
            try
            {
                File.Delete(Path.Combine(directory, name));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Root's, from before this process became the account; or of a directory that is gone.
            }
        }
    }
}
