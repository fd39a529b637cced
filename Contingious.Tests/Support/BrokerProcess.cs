using System.Net;
using System.Net.Sockets;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Support;

/// <summary>
/// A RabbitMQ on loopback with a node name, ports, directories and Erlang cookie that nobody else uses, so that a broker of the host is left
/// alone. It runs as whoever runs the tests. What it stored outlives its process, for as long as this is not disposed of.
/// </summary>
internal sealed class BrokerProcess(string configuration = "", string advanced = "[].") : IAsyncDisposable
{
    public const string Server = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    private const string Control = "/usr/lib/rabbitmq/bin/rabbitmqctl";

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

    private static readonly TimeSpan startTimeout = TimeSpan.FromMinutes(2);
    private static int started;

    private readonly string node = $"contingious-test-{Environment.ProcessId}-{Interlocked.Increment(ref started)}@localhost";
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("contingious-broker-");
    private readonly int port = FreePort();
    private readonly int erlangPort = FreePort();
    private readonly int distributionPort = FreePort();
    private RunningProgram? server;
    private Task output = Task.CompletedTask;

    public Uri Uri => new($"amqp://guest:guest@127.0.0.1:{port}/");

    public async Task StartAsync()
    {
        await File.WriteAllTextAsync(In("plugins"), "[].\n");
        await File.WriteAllTextAsync(In("env.conf"), "");
        await File.WriteAllTextAsync(In("advanced.config"), $"{advanced}\n");
        await File.WriteAllTextAsync(In("rabbitmq.conf"), $"""
            listeners.tcp.1 = 127.0.0.1:{port}
            disk_free_limit.absolute = 1MB
            raft.wal_max_size_bytes = 16000000
            log.file.level = warning
            {configuration}

            """);
        server = ProgramRunner.Start(new ProgramRequest("sh", "-c", Script) { Env = ServerEnvironment() });
        // Both pipes are read all the time: a broker that nobody reads stops.
        var log = In("output.txt");
        output = Task.WhenAll(CopyAsync(server.Stdout, log), CopyAsync(server.Stderr, log + ".err"));
        await WaitForAsync(log);
    }

    /// <summary>Kills it, as a crash does.</summary>
    public async Task KillAsync()
    {
        if (server is null) return;
        await server.WriteStdinAsync(default, default);
        await server.WaitAsync(default);
        await output;
        server.Dispose();
        server = null;
    }

    public async Task<string> ControlAsync(params string[] args)
    {
        var result = await ProgramRunner.RunAsync(new ProgramRequest(Control, ["-q", "-n", node, .. args]) { Env = ServerEnvironment() }, default);
        return result.ExitCode == 0 ? result.StdoutText : throw new InvalidOperationException($"rabbitmqctl {args[0]}: {result.Complaint} {result.StdoutText}");
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        directory.Delete(recursive: true);
    }

    private static async Task CopyAsync(Stream from, string path)
    {
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        await from.CopyToAsync(file);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string In(string name) => Path.Combine(directory.FullName, name);

    private Dictionary<string, string> ServerEnvironment() => new()
    {
        ["HOME"] = In(""),
        ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin",
        ["LC_ALL"] = "C.UTF-8",
        ["ERL_EPMD_PORT"] = $"{erlangPort}",
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        ["RABBITMQ_NODENAME"] = node,
        ["RABBITMQ_DIST_PORT"] = $"{distributionPort}",
        ["RABBITMQ_MNESIA_BASE"] = In("mnesia"),
        ["RABBITMQ_LOG_BASE"] = In("log"),
        ["RABBITMQ_PID_FILE"] = In("pid"),
        ["RABBITMQ_CONFIG_FILE"] = In("rabbitmq.conf"),
        ["RABBITMQ_ADVANCED_CONFIG_FILE"] = In("advanced.config"),
        ["RABBITMQ_CONF_ENV_FILE"] = In("env.conf"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = In("plugins"),
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] = "-kernel inet_dist_use_interface {127,0,0,1}",
        // Makes the script exec Erlang, so that the shell knows its process id.
        ["RUNNING_UNDER_SYSTEMD"] = "true",
    };

    private async Task WaitForAsync(string log)
    {
        using var deadline = new CancellationTokenSource(startTimeout);
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
