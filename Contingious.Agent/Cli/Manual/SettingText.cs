namespace Contingious.Agent.Cli.Manual;

/// <summary>A sentence or two on each value of the configuration, with its default in words: the one that holds here depends on the host.</summary>
internal static class SettingText
{
    private static readonly Dictionary<string, string> texts = new(StringComparer.Ordinal)
    {
        ["agent.name"] = "What the agent is called in every result: 1 to 128 characters of A-Z a-z 0-9 . _ -. Default: the host's name.",
        ["agent.slots"] = "Jobs at once, 1 to 64. Default: one for each CPU.",
        ["agent.cpus"] = "What jobs may use of CPUs together. Default: all CPUs.",
        ["agent.memory_bytes"] = "What jobs may use of memory together. Default: nine tenths of it.",
        ["agent.disk_bytes"] = "What jobs may write together. Default: 64 GiB.",
        ["agent.grace_s"] = "How long a stop waits for jobs that run, in seconds. Default: 1800. Where it is raised, raise TimeoutStopSec= of the unit too.",
        ["agent.tries"] = "How often a job is tried whose agent or runner failed, 1 to 10. Default: 3.",
        ["agent.self_test_image"] = "The image of the agent's test of itself. Default: one that worked last.",
        ["broker.uri"] = "amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps for TLS. The values below win over its parts. Default: amqp://localhost.",
        ["broker.host"] = "The broker's name or address. Default: localhost.",
        ["broker.port"] = "The broker's port. Default: 5672, with TLS 5671.",
        ["broker.vhost"] = "The virtual host. Default: /.",
        ["broker.user"] = "Who the agent is to the broker. Default: guest.",
        ["broker.password"] = "The password. Better in a file of its own, or in the environment.",
        ["broker.password_file"] = "An absolute path to a file with the password and nothing else in it; one that everybody may read is refused.",
        ["broker.prefix"] = "What the names of queues and exchanges begin with. Default: contingious.",
        ["broker.tls"] = "Whether the connection is encrypted; the broker's certificate is always verified. Default: false.",
        ["broker.ca_file"] = "PEM certificates of whoever signed the broker's, in place of the host's list.",
        ["broker.certificate_file"] = "PEM, where the broker asks for a certificate.",
        ["broker.key_file"] = "PEM, the key of that certificate.",
        ["broker.server_name"] = "The name in the broker's certificate, where it is not the host's.",
        ["broker.consumer_timeout_s"] = "What the broker's consumer_timeout was set to, in seconds. Default: what its version does.",
        ["results.inline_bytes"] = "What the files of a result may have together in the message. Default: 12582912.",
        ["results.blobs.directory"] = "Where larger files are stored: a directory of the account's, closed to others. Default: none, and they are refused.",
        ["results.blobs.most_bytes"] = "How much is stored there; the oldest go first. Default: 10 GiB.",
        ["results.blobs.keep_days"] = "For how long. Default: 30.",
        ["telemetry.listen"] = "Address and port of the pages /healthz, /readyz and /metrics, such as 127.0.0.1:9464. Default: none.",
        ["telemetry.listen_anywhere"] = "Whether another address than loopback is allowed there: the pages have no password. Default: false.",
        ["telemetry.otlp.endpoint"] = "A collector of metrics and traces, http://HOST:PORT or https://... Default: none.",
        ["telemetry.otlp.protocol"] = "http/protobuf or grpc. Default: http/protobuf.",
        ["telemetry.otlp.headers_file"] = "A file with a header a line for the collector, such as Authorization: Bearer ...",
        ["network"] = "The most that a job may ask for: none or internet. Default: none.",
        ["disk.backend"] = "Where the files of jobs lie: auto, tmpfs, project_quota or watched. Default: auto.",
        ["disk.tmpfs_at_most_bytes"] = "The largest job that lies in memory. Default: a quarter of the memory.",
        ["pool.size"] = "Sandboxes made ahead of their jobs, at most, 0 to 64; 0 is none. Default: two for each CPU.",
        ["pool.least"] = "How many wait of each kind (image, user, network) at least, 1 to 64, while jobs of it come. Default: 1. More where many come at one moment, as when an exam begins.",
        ["pool.expiry_s"] = "How long one waits for a job before it is given up, in seconds. Default: 300.",
        ["runtime"] = "The OCI runtime that runs containers: crun or runc. Default: crun.",
    };

    /// <summary>Nothing where a value is new and has no text yet, which a test finds.</summary>
    public static string? Of(string key)
    {
        if (texts.TryGetValue(key, out var text)) return text;
        var parts = key.Split('.');
        return parts is ["agent", "classes", var name, var field]
            ? field switch
            {
                "weight" => $"The share of class {name} while all classes have jobs, 1 to 1000.",
                "max_wall_ms" => $"No job of class {name} may name a longer wall time.",
                _ => null,
            }
            : null;
    }
}
