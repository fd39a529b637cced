using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>The datagram socket on which a service manager listens to its service: a path, or a name behind <c>@</c> in the abstract namespace (unix(7), sd_notify(3)).</summary>
public sealed class NotifySocket : IDisposable
{
    /// <summary>Names the socket in the environment.</summary>
    public const string Variable = "NOTIFY_SOCKET";

    private const string WatchdogVariable = "WATCHDOG_USEC";
    private const string WatchdogPidVariable = "WATCHDOG_PID";

    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly UnixDomainSocketEndPoint address;

    private NotifySocket(UnixDomainSocketEndPoint address) => this.address = address;

    /// <param name="name">The socket's path, or <c>@</c> and its abstract name.</param>
    /// <returns>Nothing where it is neither.</returns>
    public static NotifySocket? At(string? name)
    {
        if (name is not { Length: > 1 } || name[0] is not ('/' or '@')) return null;
        try
        {
            return new NotifySocket(new UnixDomainSocketEndPoint(name[0] == '@' ? $"\0{name[1..]}" : name));
        }
        catch (ArgumentOutOfRangeException)
        {
            // Longer than an address can be.
            return null;
        }
    }

    /// <summary>The socket that the environment names, which names it no longer after that.</summary>
    /// <param name="watchdog">How often at least the manager wants to hear of this process; nothing where it does not.</param>
    public static NotifySocket? FromEnvironment(out TimeSpan? watchdog)
    {
        var isForUs = Environment.GetEnvironmentVariable(WatchdogPidVariable) is not { Length: > 0 } pid || pid == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        watchdog = isForUs && long.TryParse(Environment.GetEnvironmentVariable(WatchdogVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds is > 0 and < long.MaxValue / TimeSpan.TicksPerMicrosecond
            ? TimeSpan.FromTicks(microseconds * TimeSpan.TicksPerMicrosecond)
            : null;
        var socket = At(Environment.GetEnvironmentVariable(Variable));
        foreach (var variable in (string[])[Variable, WatchdogVariable, WatchdogPidVariable]) Environment.SetEnvironmentVariable(variable, null);
        return socket;
    }

    /// <summary>Sends assignments, a line each. A manager that does not listen is no fault of ours: it is told what it can hear.</summary>
    /// <returns>Whether it was sent.</returns>
    public bool Send(string assignments)
    {
        try
        {
            socket.SendTo(Encoding.UTF8.GetBytes(assignments), address);
            return true;
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose() => socket.Dispose();
}
