using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Sandboxes;

/// <summary>What a sandbox reaches, with a network and without.</summary>
[Trait("Needs", "keeper")]
public sealed class NetworkTests(EngineFixture fixture)
{
    [Fact]
    public async Task Without_a_network_there_is_a_loopback_and_nothing_else()
    {
        var report = await fixture.ShellAsync("tail -n +3 /proc/net/dev | cut -d: -f1; (while :; do echo hello | nc -l -p 4000; done >/dev/null 2>&1) & n=0; until nc localhost 4000 </dev/null | grep hello || [ $n -gt 50 ]; do sleep 0.1; n=$((n + 1)); done 2>/dev/null; nc -w 1 192.0.2.1 80 </dev/null");
        Assert.Equal("    lo\nhello\n", Text(report));
        Assert.Equal(1, report.Steps[0].ExitCode);
    }

    [Fact]
    public async Task A_network_that_the_operator_does_not_allow_is_refused()
    {
        var report = await fixture.RunAsync(["true"], job: job => job with { Network = NetworkMode.Internet });
        Assert.Equal((Outcome.RejectedSpec, "network"), (report.Outcome, report.Field));
    }

    [Fact]
    public async Task With_the_internet_the_host_s_own_loopback_stays_out_of_reach()
    {
        _ = await fixture.EngineAsync();
        var engine = await SandboxEngine.OpenAsync(fixture.Layout, TestedEngine.Options with { AllowInternet = true }, TimeProvider.System, NullLogger.Instance);
        using var local = new TcpListener(IPAddress.Loopback, 0);
        local.Start();
        var outside = OwnAddress();
        using var reachable = outside is null ? null : new TcpListener(outside, 0);
        reachable?.Start();
        var script = string.Create(
            CultureInfo.InvariantCulture,
            $"cat /etc/resolv.conf; tail -n +3 /proc/net/dev | cut -d: -f1; for host in 10.0.2.2 127.0.0.1; do nc -w 2 $host {Port(local)} </dev/null && echo reached; done; {(reachable is null ? "echo out" : $"nc -w 5 {outside} {Port(reachable)} </dev/null")}");
        var running = engine.RunAsync(
            new RunRequest { Id = fixture.NewId(), Image = EngineFixture.ImageName, Network = NetworkMode.Internet, Steps = [new StepRequest { Name = "step", Args = ["sh", "-c", script] }] },
            TestContext.Current.CancellationToken);
        if (reachable is not null)
        {
            using var client = await reachable.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync("out\n"u8.ToArray(), TestContext.Current.CancellationToken);
        }

        var report = await running;
        Assert.Equal("nameserver 10.0.2.3\n    lo\n  tap0\nout\n", Text(report));
        Assert.False(local.Pending());
    }

    /// <summary>An address of this host that is not its loopback's, if it has one: traffic to it leaves the sandbox as traffic to anywhere would.</summary>
    private static IPAddress? OwnAddress() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(card => card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
        .SelectMany(card => card.GetIPProperties().UnicastAddresses)
        .Select(address => address.Address)
        .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork);

    private static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private static string Text(RunReport report) => Encoding.UTF8.GetString(Assert.Single(report.Steps).Stdout.Span);
}
