using System.Globalization;
using Contingious.Engine.Linux;

namespace Contingious.Agent.Runner;

/// <summary>
/// Tells the service manager how the agent is (sd_notify(3)), and that it lives, at half the interval that the manager asks for (sd_watchdog_enabled(3)).
/// Where no manager asked to be told, it does nothing.
/// </summary>
internal sealed class ServiceNotifier(NotifySocket? socket, TimeSpan? watchdog, TimeProvider time) : IAsyncDisposable
{
    private const int LongestStatus = 200;

    /// <summary>What a start may still take each time: several pauses, for a message may be late.</summary>
    private static readonly TimeSpan startExtension = TimeSpan.FromMinutes(2);

    private readonly CancellationTokenSource ending = new();
    private readonly CancellationTokenSource started = new();
    private Task alive = Task.CompletedTask;
    private Task starting = Task.CompletedTask;

    /// <summary>How often the manager hears that the agent still starts.</summary>
    public TimeSpan StartPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>An agent that has not started by then hangs.</summary>
    public TimeSpan LongestStart { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>As the environment says, which is then cleared of it: what the agent starts is not the service.</summary>
    public static ServiceNotifier FromEnvironment(TimeProvider time)
    {
        var socket = NotifySocket.FromEnvironment(out var watchdog);
        return new ServiceNotifier(socket, watchdog, time);
    }

    /// <summary>The agent starts, which takes its time where there is much to read: until <see cref="Ready"/> the manager is asked for more of it again and again, up to <see cref="LongestStart"/>.</summary>
    public void Starting()
    {
        if (socket is not null) starting = ExtendAgainAsync();
    }

    /// <summary>Asks the manager for so much time from now on, beyond what its unit allows the start or stop that is under way (<c>EXTEND_TIMEOUT_USEC</c>).</summary>
    public void Extend(TimeSpan more) => socket?.Send(string.Create(CultureInfo.InvariantCulture, $"EXTEND_TIMEOUT_USEC={(long)more.TotalMicroseconds}"));

    /// <summary>The agent takes jobs. From now on the manager hears that it lives.</summary>
    /// <param name="isAlive">Asked each time: where it says no, the manager is not told, and restarts the agent in the end.</param>
    public void Ready(Func<bool> isAlive)
    {
        started.Cancel();
        socket?.Send("READY=1");
        if (socket is not null && watchdog is { } interval) alive = KeepAliveAsync(interval / 2, isAlive);
    }

    /// <summary>The agent takes no more jobs.</summary>
    public void Stopping(string status) => socket?.Send($"STOPPING=1\nSTATUS={Line(status)}");

    /// <summary>The agent makes room for the next one in its own process, which says when it is ready.</summary>
    public void Reloading(string status) => socket?.Send(string.Create(
        CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={(long)time.GetElapsedTime(0).TotalMicroseconds}\nSTATUS={Line(status)}"));

    /// <summary>One line for <c>systemctl status</c>.</summary>
    public void Status(string status) => socket?.Send($"STATUS={Line(status)}");

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync().ConfigureAwait(false);
        await started.CancelAsync().ConfigureAwait(false);
        await alive.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        started.Dispose();
        ending.Dispose();
        socket?.Dispose();
    }

    // A line ends an assignment.
    private static string Line(string status) => new([.. status.Take(LongestStatus).Select(c => char.IsControl(c) ? ' ' : c)]);

    private async Task ExtendAgainAsync()
    {
        var begun = time.GetTimestamp();
        var pause = watchdog is { } interval && interval / 2 < StartPause ? interval / 2 : StartPause;
        using var timer = new PeriodicTimer(pause, time);
        do
        {
            Extend(startExtension);

            // After a reload the watchdog is on already, and knows the process that this one was.
            if (watchdog is not null) socket?.Send("WATCHDOG=1");
        }
        while (await timer.WaitForNextTickAsync(started.Token).ConfigureAwait(false) && time.GetElapsedTime(begun) < LongestStart);
    }

    private async Task KeepAliveAsync(TimeSpan pause, Func<bool> isAlive)
    {
        using var timer = new PeriodicTimer(pause, time);
        do
        {
            if (isAlive()) socket?.Send("WATCHDOG=1");
        }
        while (await timer.WaitForNextTickAsync(ending.Token).ConfigureAwait(false));
    }
}
