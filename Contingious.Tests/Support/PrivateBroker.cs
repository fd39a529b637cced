using System.Net;
using System.Net.Sockets;
using Contingious.Agent.Queue;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Support;

/// <summary>
/// A real RabbitMQ: what CONTINGIOUS_TEST_BROKER names, or one of the tests' own on loopback with a node name, ports, directories and
/// Erlang cookie that nobody else uses, so that a broker of the host is left alone. It runs as whoever runs the tests.
/// </summary>
public sealed class PrivateBroker : IAsyncLifetime
{
    private const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    /// <summary>
    /// The shell ends both when its standard input does: on disposal, and when the tests are killed. Debian's /usr/sbin/rabbitmq-server
    /// is not used, because it becomes the user rabbitmq. An epmd of our own, in the foreground, because the node would leave one behind.
    /// </summary>
    private const string Script = $"""
        epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 & epmd=$!
        {Server} & broker=$!
        cat > /dev/null
        kill -KILL $broker $epmd
        wait
        """;

    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(2);

    private DirectoryInfo? directory;
    private RunningProgram? server;
    private Task output = Task.CompletedTask;
    private string? uri;

    public async ValueTask InitializeAsync()
    {
        uri = Environment.GetEnvironmentVariable("CONTINGIOUS_TEST_BROKER") is { Length: > 0 } given ? given : null;
        if (uri is not null || !File.Exists(Server)) return;
        directory = Directory.CreateTempSubdirectory("contingious-broker-");
        var port = FreePort();
        await WriteConfigurationAsync(port);
        server = ProgramRunner.Start(new ProgramRequest("sh", "-c", Script) { Env = ServerEnvironment() });
        // Both pipes are read all the time: a broker that nobody reads stops.
        var log = Path.Combine(directory.FullName, "output.txt");
        output = Task.WhenAll(CopyAsync(server.Stdout, log), CopyAsync(server.Stderr, log + ".err"));
        await WaitForAsync(port, log);
        uri = $"amqp://guest:guest@127.0.0.1:{port}/";
    }

    /// <summary>The broker with queues that no other test uses. Skips the test, or fails it in CI, where there is no broker.</summary>
    public BrokerOptions NewOptions(string? brokerUri = null)
    {
        Prerequisite.Require(uri is not null, $"{Server} (the package rabbitmq-server), or CONTINGIOUS_TEST_BROKER");
        return BrokerOptions.Parse(brokerUri ?? Uri.OriginalString, $"test-{Guid.NewGuid():N}");
    }

    public Uri Uri => new(uri ?? throw new InvalidOperationException("There is no broker."));

    public async ValueTask DisposeAsync()
    {
        if (server is not null)
        {
            await server.WriteStdinAsync(default, default);
            await server.WaitAsync(default);
            await output;
            server.Dispose();
        }

        directory?.Delete(recursive: true);
    }

    private static async Task CopyAsync(Stream from, string path)
    {
        await using var file = File.Create(path);
        await from.CopyToAsync(file);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string In(string name) => Path.Combine(directory?.FullName ?? "", name);

    private async Task WriteConfigurationAsync(int port)
    {
        await File.WriteAllTextAsync(In("plugins"), "[].\n");
        await File.WriteAllTextAsync(In("env.conf"), "");
        await File.WriteAllTextAsync(In("rabbitmq.conf"), $"""
            listeners.tcp.1 = 127.0.0.1:{port}
            disk_free_limit.absolute = 1MB
            raft.wal_max_size_bytes = 16000000
            log.file.level = warning

            """);
    }

    private Dictionary<string, string> ServerEnvironment() => new()
    {
        ["HOME"] = In(""),
        ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
        ["LC_ALL"] = "C.UTF-8",
        ["ERL_EPMD_PORT"] = $"{FreePort()}",
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["RABBITMQ_NODENAME"] = $"contingious-test-{Environment.ProcessId}@localhost",
        ["RABBITMQ_DIST_PORT"] = $"{FreePort()}",
        ["RABBITMQ_MNESIA_BASE"] = In("mnesia"),
        ["RABBITMQ_LOG_BASE"] = In("log"),
        ["RABBITMQ_PID_FILE"] = In("pid"),
        ["RABBITMQ_CONFIG_FILE"] = In("rabbitmq.conf"),
        ["RABBITMQ_CONF_ENV_FILE"] = In("env.conf"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = In("plugins"),
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
        // Makes the script exec Erlang, so that the shell knows its process id.
        ["RUNNING_UNDER_SYSTEMD"] = "true",
    };

    private async Task WaitForAsync(int port, string log)
    {
        using var deadline = new CancellationTokenSource(StartTimeout);
        while (server is { HasExited: false } && !deadline.IsCancellationRequested)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port, deadline.Token);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(100);
            }
        }

        throw new InvalidOperationException($"RabbitMQ did not start: {await File.ReadAllTextAsync(log)} {await File.ReadAllTextAsync(log + ".err")}");
    }
}

[CollectionDefinition(Name)]
public sealed class BrokerTests : ICollectionFixture<PrivateBroker>
{
    public const string Name = "broker";
}
