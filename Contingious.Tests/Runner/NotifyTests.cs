using System.Net.Sockets;
using System.Text;
using Contingious.Agent.Runner;
using Contingious.Engine;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Runner;

/// <summary>A service manager's socket, and the agent's lock.</summary>
public sealed class NotifyTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("ctg-notify-").FullName;
    private readonly Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };

    public void Dispose()
    {
        manager.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_manager_hears_that_the_agent_is_ready_that_it_lives_how_it_is_and_that_it_stops(bool isAbstract)
    {
        var name = isAbstract ? $"@ctg-test-{Guid.NewGuid():N}" : $"{directory}/notify";
        manager.Bind(new UnixDomainSocketEndPoint(isAbstract ? $"\0{name[1..]}" : name));
        await using (var notifier = new ServiceNotifier(NotifySocket.At(name), TimeSpan.FromMilliseconds(20), TimeProvider.System))
        {
            var alive = true;
            notifier.Ready(() => Volatile.Read(ref alive));
            Assert.Equal("READY=1", Receive());
            for (var i = 0; i < 3; i++) Assert.Equal("WATCHDOG=1", Receive());

            // One that hangs is not said to live: what was sent before is all that comes.
            Volatile.Write(ref alive, false);
            notifier.Status("3 jobs\nWATCHDOG=1");
            while (Receive() is var said && said != "STATUS=3 jobs WATCHDOG=1") Assert.Equal("WATCHDOG=1", said);
            notifier.Stopping("2 jobs to finish");
            Assert.Equal("STOPPING=1\nSTATUS=2 jobs to finish", Receive());
        }
    }

    [Fact]
    public async Task While_the_agent_starts_the_manager_is_asked_for_time_again_and_again_and_then_no_more()
    {
        manager.Bind(new UnixDomainSocketEndPoint($"{directory}/notify"));
        await using var notifier = new ServiceNotifier(NotifySocket.At($"{directory}/notify"), watchdog: null, TimeProvider.System) { StartPause = TimeSpan.FromMilliseconds(20) };
        notifier.Starting();
        for (var i = 0; i < 4; i++) Assert.Equal("EXTEND_TIMEOUT_USEC=120000000", Receive());
        notifier.Ready(() => true);
        while (Receive() is var said && said != "READY=1") Assert.Equal("EXTEND_TIMEOUT_USEC=120000000", said);
        await Task.Delay(200);
        notifier.Status("x");

        // One may have been on its way.
        if (Receive() is var next && next != "STATUS=x") Assert.Equal(("EXTEND_TIMEOUT_USEC=120000000", "STATUS=x"), (next, Receive()));
    }

    [Fact]
    public async Task The_watchdog_is_fed_while_the_next_agent_starts_after_a_reload()
    {
        manager.Bind(new UnixDomainSocketEndPoint($"{directory}/notify"));
        await using var notifier = new ServiceNotifier(NotifySocket.At($"{directory}/notify"), TimeSpan.FromMilliseconds(40), TimeProvider.System);
        notifier.Reloading("makes\nroom");
        Assert.Matches(@"^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=makes room$", Receive());
        notifier.Starting();
        for (var i = 0; i < 3; i++) Assert.Equal(("EXTEND_TIMEOUT_USEC=120000000", "WATCHDOG=1"), (Receive(), Receive()));
    }

    [Fact]
    public async Task A_start_that_hangs_is_not_extended_for_ever()
    {
        manager.Bind(new UnixDomainSocketEndPoint($"{directory}/notify"));
        await using var notifier = new ServiceNotifier(NotifySocket.At($"{directory}/notify"), watchdog: null, TimeProvider.System) { StartPause = TimeSpan.FromMilliseconds(20), LongestStart = TimeSpan.FromMilliseconds(50) };
        notifier.Starting();
        Assert.Equal("EXTEND_TIMEOUT_USEC=120000000", Receive());
        await Task.Delay(200);
        notifier.Status("x");
        var said = 1;
        while (Receive() != "STATUS=x") said++;
        Assert.InRange(said, 1, 4);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("relative")]
    [InlineData("@")]
    public async Task Without_a_manager_nothing_is_sent_and_nothing_fails(string? name)
    {
        await using var notifier = new ServiceNotifier(NotifySocket.At(name), TimeSpan.FromMilliseconds(5), TimeProvider.System);
        notifier.Ready(() => true);
        notifier.Stopping("");
        Assert.Null(NotifySocket.At(new string('/', 500)));
    }

    [Fact]
    public async Task A_manager_that_is_gone_is_no_fault()
    {
        await using var notifier = new ServiceNotifier(NotifySocket.At($"{directory}/gone"), watchdog: null, TimeProvider.System);
        notifier.Ready(() => true);
        notifier.Status("x");
    }

    [Fact]
    public void The_environment_says_where_and_how_often_and_is_cleared()
    {
        try
        {
            Environment.SetEnvironmentVariable("NOTIFY_SOCKET", $"{directory}/notify");
            Environment.SetEnvironmentVariable("WATCHDOG_USEC", "30000000");
            Environment.SetEnvironmentVariable("WATCHDOG_PID", $"{Environment.ProcessId}");
            using (var socket = NotifySocket.FromEnvironment(out var watchdog))
            {
                Assert.NotNull(socket);
                Assert.Equal(TimeSpan.FromSeconds(30), watchdog);
            }

            Assert.Null(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));
            Environment.SetEnvironmentVariable("NOTIFY_SOCKET", $"{directory}/notify");
            Environment.SetEnvironmentVariable("WATCHDOG_USEC", "30000000");
            Environment.SetEnvironmentVariable("WATCHDOG_PID", "1");
            using var other = NotifySocket.FromEnvironment(out var others);
            Assert.Null(others);
        }
        finally
        {
            foreach (var name in (string[])["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) Environment.SetEnvironmentVariable(name, null);
        }
    }

    [Fact]
    public void R9_A_second_agent_of_an_account_is_told_so_and_a_later_one_is_not()
    {
        using (AgentLock.Take($"{directory}/agent.lock", "grader"))
        {
            var error = Assert.Throws<ContingiousException>(() => AgentLock.Take($"{directory}/agent.lock", "grader"));
            Assert.StartsWith("Another agent of grader runs on this host already", error.Message, StringComparison.Ordinal);
        }

        AgentLock.Take($"{directory}/agent.lock", "grader").Dispose();
    }

    private string Receive()
    {
        var buffer = new byte[4096];
        return Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer));
    }
}
