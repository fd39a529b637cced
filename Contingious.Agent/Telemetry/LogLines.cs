using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Contingious.Agent.Telemetry;

/// <summary>
/// A line for each event, without colour. The journal of systemd has a time for each line by itself, and takes its priority from the line's beginning
/// (sd-daemon(3)); elsewhere the line says both.
/// </summary>
internal sealed class LogLines(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    private const string FormatterName = "contingious";

    // systemd says by this variable that the standard streams are the journal.
    private const string JournalVariable = "JOURNAL_STREAM";

    private readonly bool isJournal = Environment.GetEnvironmentVariable(JournalVariable) is { Length: > 0 } && Console.IsOutputRedirected;

    /// <summary>Has a program's log written so.</summary>
    public static ILoggingBuilder AddTo(ILoggingBuilder logging)
    {
        logging.Services.AddSingleton<ConsoleFormatter>(new LogLines(TimeProvider.System));
        return logging.AddConsole(console => console.FormatterName = FormatterName);
    }

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var (priority, level) = Level(logEntry.LogLevel);
        textWriter.WriteLine(Line(isJournal, time.GetUtcNow(), priority, level, logEntry.Formatter(logEntry.State, logEntry.Exception), logEntry.Exception));
    }

    internal static string Line(bool isJournal, DateTimeOffset time, int priority, string level, string message, Exception? error)
    {
        var text = error is null ? message : $"{message}: {error}";
        text = string.Join(' ', text.Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return isJournal
            ? $"<{priority}>{text}"
            : string.Create(CultureInfo.InvariantCulture, $"{time:yyyy-MM-ddTHH:mm:ss.fffZ} {level} {text}");
    }

    private static (int Priority, string Level) Level(LogLevel level) => level switch
    {
        LogLevel.Critical => (2, "crit:"),
        LogLevel.Error => (3, "fail:"),
        LogLevel.Warning => (4, "warn:"),
        LogLevel.Information => (6, "info:"),
        _ => (7, "dbug:"),
    };
}
