using System.Diagnostics;

namespace Contingious.Tests.Verdicts;

/// <summary>Other work for as long as it lives: one endless loop for each core, each a process of its own.</summary>
internal sealed class BusyCores : IDisposable
{
    private readonly List<Process> loops = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => Process.Start("sh", ["-c", "while :; do :; done"]))];

    public void Dispose()
    {
        foreach (var loop in loops)
        {
            loop.Kill();
            loop.WaitForExit();
            loop.Dispose();
        }
    }
}
