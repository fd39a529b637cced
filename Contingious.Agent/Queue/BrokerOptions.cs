using Contingious.Agent.Wire;
using Contingious.Engine;

namespace Contingious.Agent.Queue;

/// <summary>Which broker, and which queues on it. Its text never shows the password.</summary>
public sealed record BrokerOptions
{
    public const string DefaultUri = "amqp://guest:guest@localhost:5672/";

    public const string DefaultPrefix = "contingious";

    private const int MaxPassword = 4_096;

    private BrokerOptions(BrokerSettings settings, Uri? uri)
    {
        IsEncrypted = settings.Tls ?? uri?.Scheme == "amqps";
        Host = settings.Host ?? (uri?.Host is { Length: > 0 } host ? host : "localhost");
        Port = settings.Port ?? (uri?.Port is > 0 and var port ? port : IsEncrypted ? 5671 : 5672);
        VirtualHost = settings.VirtualHost ?? (uri is null || uri.AbsolutePath is "" or "/" ? "/" : Uri.UnescapeDataString(uri.AbsolutePath[1..]));
        var named = uri?.UserInfo is { Length: > 0 } info ? info.Split(':', 2) : [];
        User = settings.User ?? (named.Length > 0 ? Uri.UnescapeDataString(named[0]) : "guest");
        Password = ReadPassword(settings) ?? (named.Length > 1 ? Uri.UnescapeDataString(named[1]) : User == "guest" ? "guest" : "");
        Prefix = settings.Prefix ?? DefaultPrefix;
        StatedConsumerTimeout = settings.ConsumerTimeout;
        if (IsEncrypted) Tls = new BrokerTls(settings.ServerName ?? Host, settings.CaFile, settings.CertificateFile, settings.KeyFile);
    }

    public string Host { get; }

    public int Port { get; }

    /// <summary>The virtual host, <c>/</c> where none is named.</summary>
    public string VirtualHost { get; }

    /// <summary>The account at the broker.</summary>
    public string User { get; }

    /// <summary>Whether TLS is used.</summary>
    public bool IsEncrypted { get; }

    /// <summary>What the names of the queues begin with.</summary>
    public string Prefix { get; }

    /// <summary>The broker's <c>consumer_timeout</c>, where the operator says that it is not its default.</summary>
    public TimeSpan? StatedConsumerTimeout { get; }

    /// <summary>Topic exchange of final results; the routing key is <c>CLASS.JOB_ID</c>.</summary>
    public string ResultsExchange => $"{Prefix}.results";

    /// <summary>Topic exchange of events; routing keys <c>job.JOB_ID.KIND</c> and <c>agent.NAME</c>.</summary>
    public string EventsExchange => $"{Prefix}.events";

    /// <summary>Fanout exchange of what agents are told, with a stream of the same name that keeps it for agents that come later.</summary>
    public string ControlExchange => $"{Prefix}.control";

    public string ControlStream => $"{Prefix}.control";

    /// <summary>Stream in which the first record of a job is its final result.</summary>
    public string DecisionsStream => $"{Prefix}.decisions";

    public string DeadExchange => $"{Prefix}.dead";

    public string DeadQueue => $"{Prefix}.dead";

    /// <summary><c>host:port</c>.</summary>
    public string Address => $"{Host}:{Port}";

    internal string Password { get; }

    internal BrokerTls? Tls { get; }

    /// <summary>With the password: for another client of the same broker.</summary>
    internal Uri Uri => new($"{(IsEncrypted ? "amqps" : "amqp")}://{Uri.EscapeDataString(User)}:{Uri.EscapeDataString(Password)}@{Address}/{(VirtualHost == "/" ? "" : Uri.EscapeDataString(VirtualHost))}");

    /// <summary>The quorum queue of a class's jobs.</summary>
    public string JobsQueueOf(JobClass ofClass) => $"{Prefix}.jobs.{WireNames<JobClass>.Of(ofClass)}";

    /// <param name="uri"><c>amqp://user:password@host:port/vhost</c>, or <c>amqps://…</c> for TLS.</param>
    /// <param name="prefix">1 to 100 characters of <c>A-Z a-z 0-9 . _ -</c>.</param>
    /// <exception cref="ContingiousException">Either is not what it should be. The message does not show the URI, which may hold a password.</exception>
    public static BrokerOptions Parse(string uri, string prefix = DefaultPrefix) => Create(new BrokerSettings { Uri = uri, Prefix = prefix });

    /// <exception cref="ContingiousException">
    /// Something is not what it should be: the message begins with the key's name, as in a configuration file, and never shows a secret.
    /// </exception>
    public static BrokerOptions Create(BrokerSettings settings)
    {
        Uri? uri = null;
        if (settings.Uri is { } text && (!Uri.TryCreate(text, UriKind.Absolute, out uri) || uri.Scheme is not ("amqp" or "amqps") || uri.Host.Length == 0))
        {
            throw new ContingiousException("broker.uri is no AMQP URI. Set it, --broker or CONTINGIOUS_BROKER to amqp://USER:PASSWORD@HOST:PORT/VHOST (amqps for TLS).");
        }

        Refuse(settings.Host is { } host && Uri.CheckHostName(host) == UriHostNameType.Unknown, "broker.host is neither a name nor an address.");
        Refuse(settings.Port is < 1 or > 65_535, $"broker.port is {settings.Port}; 1 to 65,535 is allowed.");
        Refuse(settings.VirtualHost is "" or { Length: > 255 }, "broker.vhost has 1 to 255 characters.");
        Refuse(settings.User is "" or { Length: > 255 }, "broker.user has 1 to 255 characters.");
        Refuse(settings.Password is not null && settings.PasswordFile is not null, "broker.password_file and a password are both given; one of them is enough.");
        Refuse(settings.Tls == false && uri?.Scheme == "amqps", "broker.tls is false, and broker.uri begins with amqps.");
        Refuse(settings.ConsumerTimeout is { } timeout && timeout < TimeSpan.FromSeconds(1), "broker.consumer_timeout_s is less than a second.");
        Refuse(!IsPrefix(settings.Prefix ?? DefaultPrefix), "broker.prefix, which the queues' names begin with, has 1 to 100 characters of A-Z a-z 0-9 . _ -, and does not begin with 'amq.'.");
        var isEncrypted = settings.Tls ?? uri?.Scheme == "amqps";
        foreach (var (key, value) in new[] { ("ca_file", settings.CaFile), ("certificate_file", settings.CertificateFile), ("key_file", settings.KeyFile), ("server_name", settings.ServerName) })
        {
            Refuse(value is not null && !isEncrypted, $"broker.{key} is given, and the connection is not encrypted: set broker.tls to true, or use amqps:// in broker.uri.");
        }

        Refuse(settings.KeyFile is not null && settings.CertificateFile is null, "broker.key_file is given without broker.certificate_file.");
        return new BrokerOptions(settings, uri);
    }

    /// <summary>The URI without its password.</summary>
    public override string ToString() => $"{(IsEncrypted ? "amqps" : "amqp")}://{Uri.EscapeDataString(User)}@{Address}/{(VirtualHost == "/" ? "" : Uri.EscapeDataString(VirtualHost))}";

    private static bool IsPrefix(string prefix) =>
        prefix.Length is > 0 and <= 100 && prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') && !prefix.StartsWith("amq.", StringComparison.Ordinal);

    private static void Refuse(bool isWrong, string problem)
    {
        if (isWrong) throw new ContingiousException(problem);
    }

    private static string? ReadPassword(BrokerSettings settings)
    {
        if (settings.PasswordFile is not { } path) return settings.Password;
        try
        {
            var mode = File.GetUnixFileMode(path);
            Refuse(mode.HasFlag(UnixFileMode.OtherRead), $"broker.password_file: anybody on this host can read {path}. Use 'chmod o= {path}'.");
            Refuse(new FileInfo(path).Length > MaxPassword, $"broker.password_file: {path} has more than {MaxPassword:N0} bytes, which is no password.");
            var password = File.ReadAllText(path).TrimEnd('\r', '\n');
            Refuse(password.Length == 0, $"broker.password_file: {path} is empty.");
            return password;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ContingiousException($"broker.password_file: {path} cannot be read: {error.Message}", error);
        }
    }
}
