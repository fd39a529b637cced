using System.Runtime.InteropServices;

namespace Contingious.Agent.Runner;

/// <summary>
/// SIGHUP as a cancellation: the agent is to leave at once, and what it runs is to go on in the runner for the next agent to adopt.
/// SIGTERM, by contrast, is to finish first.
/// </summary>
internal sealed class LeaveSignal : IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration registration;

    public LeaveSignal() => registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
    {
        context.Cancel = true;
        source.Cancel();
    });

    /// <summary>Cancelled once the signal has come.</summary>
    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        registration.Dispose();
        source.Dispose();
    }
}
