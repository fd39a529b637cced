namespace Contingious.Agent.Queue;

/// <summary>What was said about the broker in one place: a configuration file, the environment, a command line. What was not said is nothing.</summary>
public sealed record BrokerSettings
{
    /// <summary><c>amqp://USER:PASSWORD@HOST:PORT/VHOST</c>, or <c>amqps://…</c>; the parts below win over it.</summary>
    public string? Uri { get; init; }

    public string? Host { get; init; }

    /// <summary>1 to 65,535; 5672, with TLS 5671.</summary>
    public int? Port { get; init; }

    public string? VirtualHost { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>A file that holds the password and nothing else; a newline at its end is not part of it.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>What the names of the queues begin with.</summary>
    public string? Prefix { get; init; }

    public bool? Tls { get; init; }

    /// <summary>PEM certificates of whoever signs the broker's, in place of the host's own list.</summary>
    public string? CaFile { get; init; }

    /// <summary>A PEM certificate that the agent shows to the broker; with <see cref="KeyFile"/>.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>The PEM key of <see cref="CertificateFile"/>.</summary>
    public string? KeyFile { get; init; }

    /// <summary>The name in the broker's certificate, where it is not the host's.</summary>
    public string? ServerName { get; init; }

    /// <summary>The broker's own <c>consumer_timeout</c>, where it is old and set to something else than its default.</summary>
    public TimeSpan? ConsumerTimeout { get; init; }

    /// <summary>Whether <see cref="Uri"/> has a user in it.</summary>
    public bool NamesUser => UserOf(Uri).Length > 0;

    /// <summary>Whether <see cref="Uri"/> has a password in it.</summary>
    public bool NamesPassword => UserOf(Uri).Contains(':', StringComparison.Ordinal);

    /// <summary>These settings, and where they say nothing the others. A URI here leaves no room for the others' host.</summary>
    public BrokerSettings Over(BrokerSettings others)
    {
        var below = Uri is null ? others : others with { Uri = null, Host = null, Port = null, VirtualHost = null, Tls = null };
        var hasSecret = Password is not null || PasswordFile is not null;
        return new BrokerSettings
        {
            Uri = Uri ?? below.Uri,
            Host = Host ?? below.Host,
            Port = Port ?? below.Port,
            VirtualHost = VirtualHost ?? below.VirtualHost,
            User = User ?? (NamesUser ? null : below.User),
            Password = hasSecret ? Password : NamesPassword ? null : below.Password,
            PasswordFile = hasSecret ? PasswordFile : NamesPassword ? null : below.PasswordFile,
            Prefix = Prefix ?? below.Prefix,
            Tls = Tls ?? below.Tls,
            CaFile = CaFile ?? below.CaFile,
            CertificateFile = CertificateFile ?? below.CertificateFile,
            KeyFile = KeyFile ?? below.KeyFile,
            ServerName = ServerName ?? below.ServerName,
            ConsumerTimeout = ConsumerTimeout ?? below.ConsumerTimeout,
        };
    }

    /// <summary>Nothing of it: it may hold a password.</summary>
    public override string ToString() => nameof(BrokerSettings);

    /// <summary>What stands before the host, even where the whole is no URI.</summary>
    private static string UserOf(string? uri)
    {
        if (uri is null) return "";
        var start = uri.IndexOf("//", StringComparison.Ordinal) is >= 0 and var slashes ? slashes + 2 : 0;
        var end = uri.LastIndexOf('@');
        return end > start ? uri[start..end] : "";
    }
}
