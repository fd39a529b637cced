using System.Net;
using System.Net.Sockets;
using System.Text;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Importer.Support;

/// <summary>A real registry (Debian's docker-registry) on loopback, for one test class; one for everybody, or one that asks who is there.</summary>
public class PrivateRegistry : IAsyncLifetime
{
    public const string User = "teacher";
    public const string Password = "correct horse";

    private const string HashOfPassword = "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";

    // Ends when its standard input does: on disposal, and when the tests are killed.
    private const string Script = """
        docker-registry serve "$1" & registry=$!
        cat > /dev/null
        kill -KILL $registry
        wait
        """;

    private DirectoryInfo? directory;
    private RunningProgram? server;
    private Task output = Task.CompletedTask;

    /// <summary><c>127.0.0.1:PORT</c>.</summary>
    public string Address { get; private set; } = "";

    protected virtual bool AsksWhoIsThere => false;

    public async ValueTask InitializeAsync()
    {
        if (ProgramRunner.Find("docker-registry") is null) return;
        directory = Directory.CreateTempSubdirectory("contingious-registry-");
        var port = FreePort();
        Address = $"127.0.0.1:{port}";
        var auth = AsksWhoIsThere ? $"auth:\n  htpasswd:\n    realm: tests\n    path: {In("htpasswd")}\n" : "";
        await File.WriteAllTextAsync(In("htpasswd"), $"{User}:{HashOfPassword}\n");
        await File.WriteAllTextAsync(In("config.yml"), $"version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: {In("storage")}\nhttp:\n  addr: {Address}\n{auth}");
        server = ProgramRunner.Start(new ProgramRequest("sh", "-c", Script, "registry", In("config.yml")) { Env = new Dictionary<string, string>(ProgramRunner.BareEnvironment) { ["OTEL_TRACES_EXPORTER"] = "none" } });
        output = Task.WhenAll(server.Stdout.CopyToAsync(Stream.Null), server.Stderr.CopyToAsync(Stream.Null));
        await WaitForAsync(port);
    }

    /// <summary>Pushes what skopeo can copy. Skips the test, or fails it in CI, where there is no registry.</summary>
    /// <param name="source">Such as <c>oci:DIR:REF</c>.</param>
    /// <param name="name">The repository and the tag.</param>
    /// <param name="options">Of skopeo copy.</param>
    public async Task PushAsync(string source, string name, params string[] options)
    {
        Privileges.Need(server is not null, "docker-registry is not installed");
        string[] creds = AsksWhoIsThere ? [$"--dest-creds={User}:{Password}"] : [];
        await ProgramRunner.RequireAsync(
            new ProgramRequest("skopeo", ["--policy", Policy(), "--tmpdir", In(""), "copy", "--quiet", "--dest-tls-verify=false", .. creds, .. options, source, $"docker://{Address}/{name}"])
            {
                Env = new Dictionary<string, string>(ProgramRunner.BareEnvironment) { ["HOME"] = In(""), ["XDG_RUNTIME_DIR"] = In("") },
            },
            TestContext.Current.CancellationToken);
    }

    /// <summary>A file of containers-auth.json(5).</summary>
    public string AuthFile(string password, string? registry = null)
    {
        var file = In($"auth-{Guid.NewGuid():N}.json");
        var secret = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{User}:{password}"));
        var entry = $$"""{"auth":"{{secret}}"}""";
        File.WriteAllText(file, $"{{\"auths\":{{\"{registry ?? Address}\":{entry}}}}}");
        return file;
    }

    /// <summary>Where the registry keeps a blob.</summary>
    public string PathOf(Engine.Images.Digest digest) => In($"storage/docker/registry/v2/blobs/sha256/{digest.Hex[..2]}/{digest.Hex}/data");

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
        GC.SuppressFinalize(this);
    }

    private string In(string name) => Path.Combine(directory?.FullName ?? "", name);

    private string Policy()
    {
        File.WriteAllText(In("policy.json"), """{"default":[{"type":"insecureAcceptAnything"}]}""");
        return In("policy.json");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task WaitForAsync(int port)
    {
        for (var attempt = 0; attempt < 300 && server is { HasExited: false }; attempt++)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(100);
            }
        }

        throw new InvalidOperationException("docker-registry did not start.");
    }
}

/// <summary>A registry that lets nobody in without a password.</summary>
public sealed class ClosedRegistry : PrivateRegistry
{
    protected override bool AsksWhoIsThere => true;
}
