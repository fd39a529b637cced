using System.Globalization;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary>
/// Shows a job while it runs: what its steps write goes where they wrote it, and, on its way to a terminal, through a filter
/// (<see cref="TerminalFilter"/>). Events may be lost, so at the end it is made up for from the result.
/// </summary>
/// <param name="stdout">Where standard output goes.</param>
/// <param name="stderr">Where standard error and what happens go.</param>
/// <param name="isFiltered">Whether each of them is a terminal.</param>
internal sealed class LiveOutput(Stream stdout, Stream stderr, (bool Stdout, bool Stderr) isFiltered)
{
    private readonly TerminalFilter? outFilter = isFiltered.Stdout ? new TerminalFilter() : null;
    private readonly TerminalFilter? errFilter = isFiltered.Stderr ? new TerminalFilter() : null;
    private readonly Dictionary<(string Step, bool IsStderr), long> seen = [];

    public async Task ShowAsync(JobEvent happened, CancellationToken cancellation)
    {
        if (happened.Kind == JobEventKind.Output)
        {
            var key = (happened.Step, happened.IsStderr);
            seen[key] = seen.GetValueOrDefault(key) + happened.Data.Length;
            await WriteAsync(happened.IsStderr, happened.Data, cancellation).ConfigureAwait(false);
        }
        else if (happened.Kind != JobEventKind.Finished)
        {
            await SayAsync(EventRenderer.Words(happened), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Shows of the result what was not seen, and puts the terminal back as it was.</summary>
    public async Task EndAsync(RunReport report, CancellationToken cancellation)
    {
        foreach (var step in report.Steps)
        {
            await MakeUpAsync(step.Name, isStderr: false, step.Stdout, step.Usage.StdoutBytes, cancellation).ConfigureAwait(false);
            await MakeUpAsync(step.Name, isStderr: true, step.Stderr, step.Usage.StderrBytes, cancellation).ConfigureAwait(false);
        }

        await RestoreAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Puts the terminal back as it was.</summary>
    public async Task RestoreAsync(CancellationToken cancellation)
    {
        if (outFilter is not null) await stdout.WriteAsync(outFilter.Restore(), cancellation).ConfigureAwait(false);
        if (errFilter is not null) await stderr.WriteAsync(errFilter.Restore(), cancellation).ConfigureAwait(false);
        await stdout.FlushAsync(cancellation).ConfigureAwait(false);
        await stderr.FlushAsync(cancellation).ConfigureAwait(false);
    }

    // What is kept of a long stream is its two ends, so that more may have been seen than the result has.
    private async Task MakeUpAsync(string step, bool isStderr, ReadOnlyMemory<byte> kept, long produced, CancellationToken cancellation)
    {
        var shown = seen.GetValueOrDefault((step, isStderr));
        if (shown >= Math.Min(produced, kept.Length)) return;
        if (shown > 0) await SayAsync(string.Create(CultureInfo.InvariantCulture, $"{TerminalText.Of(step)}: {shown} bytes were seen live of {produced}; what the result has of them is"), cancellation).ConfigureAwait(false);
        await WriteAsync(isStderr, kept, cancellation).ConfigureAwait(false);
    }

    private async Task WriteAsync(bool isStderr, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        var (stream, filter) = isStderr ? (stderr, errFilter) : (stdout, outFilter);
        await stream.WriteAsync(filter?.Pass(data.Span) ?? data, cancellation).ConfigureAwait(false);
        await stream.FlushAsync(cancellation).ConfigureAwait(false);
    }

    private async Task SayAsync(string words, CancellationToken cancellation) =>
        await stderr.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"contingious: {words}\n"), cancellation).ConfigureAwait(false);
}
