using System.Net;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;

namespace Contingious.Agent.Configuration;

/// <summary>Every value that can be set, by its place in the file. The manual's table of them is checked against this one.</summary>
internal static class SettingTable
{
    /// <summary>An account's subordinate ids have that many slices, one a job.</summary>
    public const int MostSlots = 64;

    /// <summary>The broker itself gives a job back that often, then it is dead.</summary>
    private const int MostTries = 10;

    private const double MostBytes = 1L << 50;
    private const double MostSeconds = 86_400;
    private const double LongestWall = 1_200_000;

    /// <summary>What blobs may be set: a directory of the store.</summary>
    public const string BlobDirectory = "results.blobs.directory";

    public static IReadOnlyList<Setting> All { get; } =
    [
        .. OfAgent(),
        .. Enum.GetValues<JobClass>().SelectMany(OfClass),
        .. OfBroker(),
        .. OfResults(),
        .. OfTelemetry(),
        .. OfJobs(),
        .. LimitRule.All.Select(rule => OfLimit(rule, isCeiling: false)),
        .. LimitRule.All.Select(rule => OfLimit(rule, isCeiling: true)),
    ];

    /// <summary>Places that are objects, each with the names that it may have.</summary>
    public static ILookup<string, string> Sections { get; } = All
        .Select(setting => setting.Key)
        .SelectMany(key => Parents(key))
        .Append((Section: "", Name: "mounts"))
        .Distinct()
        .ToLookup(member => member.Section, member => member.Name, StringComparer.Ordinal);

    private static readonly Dictionary<string, Setting> byKey = All.ToDictionary(setting => setting.Key, StringComparer.Ordinal);

    public static Setting? Find(string key) => byKey.GetValueOrDefault(key);

    private static IEnumerable<Setting> OfAgent() =>
    [
        Setting.Text("agent.name", "1 to 128 characters of A-Z a-z 0-9 . _ - are allowed", SandboxId.IsJobId, d => d.Agent.Name, (d, v) => d.Agent = d.Agent with { Name = v }),
        Setting.Number("agent.slots", 1, MostSlots, d => d.Agent.Slots, (d, v) =>
        {
            d.Agent = d.Agent with { Slots = (int)v };
            d.SetCapacity(all => all with { Slots = (int)v });
        }),
        Setting.Number("agent.cpus", 0.1, 4_096, d => d.Agent.Capacity.Cpus, (d, v) => d.SetCapacity(all => all with { Cpus = v }), isWhole: false),
        Setting.Number("agent.memory_bytes", 16 << 20, MostBytes, d => d.Agent.Capacity.Memory.Bytes, (d, v) => d.SetCapacity(all => all with { Memory = Size(v) })),
        Setting.Number("agent.disk_bytes", 0, MostBytes, d => d.Agent.Capacity.Disk.Bytes, (d, v) => d.SetCapacity(all => all with { Disk = Size(v) })),
        Setting.Number("agent.grace_s", 0, MostSeconds, d => d.Agent.Grace.TotalSeconds, (d, v) => d.Agent = d.Agent with { Grace = TimeSpan.FromSeconds(v) }),
        Setting.Number("agent.tries", 1, MostTries, d => d.Agent.Tries, (d, v) => d.Agent = d.Agent with { Tries = (int)v }),
        Setting.Text("agent.self_test_image", "the name of an imported image is allowed", text => text.Length is > 0 and <= 256, d => d.SelfTestImage, (d, v) => d.SelfTestImage = v),
    ];

    private static IEnumerable<Setting> OfClass(JobClass which)
    {
        var key = $"agent.classes.{WireNames<JobClass>.Of(which)}";
        return
        [
            Setting.Number($"{key}.weight", 1, 1_000, d => d.Agent.Classes[which].Weight, (d, v) => d.SetClass(which, was => was with { Weight = (int)v })),
            Setting.Number($"{key}.max_wall_ms", 1, LongestWall, d => d.Agent.Classes[which].MaxWall.TotalMilliseconds, (d, v) => d.SetClass(which, was => was with { MaxWall = TimeSpan.FromMilliseconds(v) })),
        ];
    }

    private static IEnumerable<Setting> OfBroker() =>
    [
        Setting.Text("broker.uri", "amqp://USER:PASSWORD@HOST:PORT/VHOST is allowed, amqps for TLS", IsBroker, d => d.Broker.Uri, (d, v) => d.Broker = d.Broker with { Uri = v }).Secret(),
        Setting.Text("broker.host", "a name or an address is allowed, without a port", text => Uri.CheckHostName(text) != UriHostNameType.Unknown, d => d.Broker.Host, (d, v) => d.Broker = d.Broker with { Host = v }),
        Setting.Number("broker.port", 1, 65_535, d => d.Broker.Port, (d, v) => d.Broker = d.Broker with { Port = (int)v }),
        Setting.Text("broker.vhost", "1 to 255 characters are allowed", IsShort, d => d.Broker.VirtualHost, (d, v) => d.Broker = d.Broker with { VirtualHost = v }),
        Setting.Text("broker.user", "1 to 255 characters are allowed", IsShort, d => d.Broker.User, (d, v) => d.Broker = d.Broker with { User = v }),
        Setting.Text("broker.password", "at least one character is needed", text => text.Length > 0, d => d.Broker.Password, (d, v) => d.Broker = d.Broker with { Password = v }).Secret(),
        Setting.Path("broker.password_file", d => d.Broker.PasswordFile, (d, v) => d.Broker = d.Broker with { PasswordFile = v }),
        Setting.Text("broker.prefix", "1 to 100 characters of A-Z a-z 0-9 . _ - are allowed", IsPrefix, d => d.Broker.Prefix, (d, v) => d.Broker = d.Broker with { Prefix = v }),
        Setting.Switch("broker.tls", d => d.Broker.Tls, (d, v) => d.Broker = d.Broker with { Tls = v }),
        Setting.Path("broker.ca_file", d => d.Broker.CaFile, (d, v) => d.Broker = d.Broker with { CaFile = v }),
        Setting.Path("broker.certificate_file", d => d.Broker.CertificateFile, (d, v) => d.Broker = d.Broker with { CertificateFile = v }),
        Setting.Path("broker.key_file", d => d.Broker.KeyFile, (d, v) => d.Broker = d.Broker with { KeyFile = v }),
        Setting.Text("broker.server_name", "a host's name is allowed", text => Uri.CheckHostName(text) != UriHostNameType.Unknown, d => d.Broker.ServerName, (d, v) => d.Broker = d.Broker with { ServerName = v }),
        Setting.Number("broker.consumer_timeout_s", 1, 30 * MostSeconds, d => d.Broker.ConsumerTimeout?.TotalSeconds, (d, v) => d.Broker = d.Broker with { ConsumerTimeout = TimeSpan.FromSeconds(v) }),
    ];

    private static IEnumerable<Setting> OfResults() =>
    [
        Setting.Number("results.inline_bytes", 0, ByteSize.FromMiB(12).Bytes, d => d.Results.Inline.Bytes, (d, v) => d.Results = d.Results with { Inline = Size(v) }),
        Setting.Path(BlobDirectory, d => HasBlobs(d) ? d.Blobs.Directory : null, (d, v) => d.Blobs = d.Blobs with { Directory = v }),
        Setting.Number("results.blobs.most_bytes", 1 << 20, MostBytes, d => HasBlobs(d) ? d.Blobs.Most.Bytes : null, (d, v) => d.Blobs = d.Blobs with { Most = Size(v) }),
        Setting.Number("results.blobs.keep_days", 1, 3_650, d => HasBlobs(d) ? d.Blobs.Keep.TotalDays : null, (d, v) => d.Blobs = d.Blobs with { Keep = TimeSpan.FromDays(v) }),
    ];

    private static IEnumerable<Setting> OfTelemetry() =>
    [
        Setting.Text("telemetry.listen", "an address with a port is allowed, such as 127.0.0.1:9464", text => ListenAddress(text) is not null, d => d.Telemetry.Listen?.ToString(), (d, v) => d.Telemetry = d.Telemetry with { Listen = ListenAddress(v) }),
        Setting.Switch("telemetry.listen_anywhere", d => d.Telemetry.ListenAnywhere, (d, v) => d.Telemetry = d.Telemetry with { ListenAnywhere = v }),
        Setting.Text("telemetry.otlp.endpoint", "http://HOST:PORT or https://… is allowed, without a user", text => Collector(text) is not null, d => d.Telemetry.OtlpEndpoint?.ToString(), (d, v) => d.Telemetry = d.Telemetry with { OtlpEndpoint = Collector(v) }),
        Setting.Choice("telemetry.otlp.protocol", ["http/protobuf", "grpc"], d => d.Telemetry.OtlpProtocol == OtlpProtocol.Grpc ? "grpc" : "http/protobuf", (d, v) => d.Telemetry = d.Telemetry with { OtlpProtocol = v == "grpc" ? OtlpProtocol.Grpc : OtlpProtocol.HttpProtobuf }),
        Setting.Path("telemetry.otlp.headers_file", d => d.Telemetry.OtlpHeadersFile, (d, v) => d.Telemetry = d.Telemetry with { OtlpHeadersFile = v }),
    ];

    private static IEnumerable<Setting> OfJobs() =>
    [
        Setting.Choice("runtime", [.. WireNames<RuntimeKind>.All], d => WireNames<RuntimeKind>.Of(d.Engine.Runtime), (d, v) => d.Engine = d.Engine with { Runtime = WireNames<RuntimeKind>.Find(v) ?? RuntimeKind.Crun }),

        Setting.Number("pool.size", 0, MostSlots, d => d.Engine.Pool.Most, (d, v) => d.Engine = d.Engine with { Pool = d.Engine.Pool with { Most = (int)v } }),
        Setting.Number("pool.least", 1, MostSlots, d => d.Engine.Pool.Least, (d, v) => d.Engine = d.Engine with { Pool = d.Engine.Pool with { Least = (int)v } }),
        Setting.Number("pool.expiry_s", 1, MostSeconds, d => d.Engine.Pool.Expiry.TotalSeconds, (d, v) => d.Engine = d.Engine with { Pool = d.Engine.Pool with { Expiry = TimeSpan.FromSeconds(v) } }),

        // The most that a job may ask for.
        Setting.Choice("network", ["none", "internet"], d => d.Engine.AllowInternet ? "internet" : "none", (d, v) => d.Engine = d.Engine with { AllowInternet = v == "internet" }),
        Setting.Choice("disk.backend", ["auto", .. WireNames<DiskBackend>.All], d => d.Engine.Disk.Backend is { } backend ? WireNames<DiskBackend>.Of(backend) : "auto", (d, v) => d.Engine = d.Engine with { Disk = d.Engine.Disk with { Backend = WireNames<DiskBackend>.Find(v) } }),
        Setting.Number("disk.tmpfs_at_most_bytes", 0, MostBytes, d => d.Engine.Disk.TmpfsAtMost.Bytes, (d, v) => d.Engine = d.Engine with { Disk = d.Engine.Disk with { TmpfsAtMost = Size(v) } }),
    ];

    private static Setting OfLimit(LimitRule rule, bool isCeiling) => Setting.Number(
        $"limits.{(isCeiling ? "most" : "default")}.{rule.Key}",
        rule.Least,
        rule.Most,
        d => isCeiling ? d.Limits.MostOf(rule) : rule.Get(d.Limits.Default),
        (d, v) => _ = d.Limits.TrySet(rule.Key, v, isCeiling),
        rule.IsWhole);

    private static IEnumerable<(string Section, string Name)> Parents(string key)
    {
        for (var dot = key.LastIndexOf('.'); dot >= 0; dot = key.LastIndexOf('.'))
        {
            yield return (key[..dot], key[(dot + 1)..]);
            key = key[..dot];
        }

        yield return ("", key);
    }

    private static bool HasBlobs(ConfigDraft draft) => draft.Blobs.Directory.Length > 0;

    private static bool IsShort(string text) => text.Length is > 0 and <= 255;

    private static bool IsPrefix(string text) => text.Length is > 0 and <= 100 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static bool IsBroker(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "amqp" or "amqps" && uri.Host.Length > 0;

    private static IPEndPoint? ListenAddress(string text) => IPEndPoint.TryParse(text, out var address) && text.EndsWith($":{address.Port}", StringComparison.Ordinal) ? address : null;

    private static Uri? Collector(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0 ? uri : null;

    private static ByteSize Size(double bytes) => new((long)bytes);
}
