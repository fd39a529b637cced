using Contingious.Engine;

namespace Contingious.Agent.Queue;

/// <summary>Which broker, and which queues on it. Its text never shows the password.</summary>
public sealed record BrokerOptions
{
    public const string DefaultUri = "amqp://guest:guest@localhost:5672/";

    public const string DefaultPrefix = "contingious";

    private BrokerOptions(Uri uri, string prefix)
    {
        Uri = uri;
        Prefix = prefix;
    }

    /// <summary>With the password: for the client library alone.</summary>
    internal Uri Uri { get; }

    /// <summary>What the names of the queues begin with.</summary>
    public string Prefix { get; }

    public string JobsQueue => $"{Prefix}.jobs";

    public string DeadExchange => $"{Prefix}.dead";

    public string DeadQueue => $"{Prefix}.dead";

    /// <summary><c>host:port</c>.</summary>
    public string Address => $"{Uri.Host}:{(Uri.Port > 0 ? Uri.Port : DefaultPort)}";

    /// <summary>The account at the broker.</summary>
    public string User => Uri.UserInfo.Length == 0 ? "guest" : Uri.UnescapeDataString(Uri.UserInfo.Split(':')[0]);

    /// <summary>The virtual host, <c>/</c> where the URI names none.</summary>
    public string VirtualHost => Uri.AbsolutePath is "" or "/" ? "/" : Uri.UnescapeDataString(Uri.AbsolutePath[1..]);

    private int DefaultPort => Uri.Scheme == "amqps" ? 5671 : 5672;

    /// <param name="uri"><c>amqp://user:password@host:port/vhost</c>, or <c>amqps://…</c> for TLS.</param>
    /// <param name="prefix">1 to 100 characters of <c>A-Z a-z 0-9 . _ -</c>.</param>
    /// <exception cref="ContingiousException">Either is not what it should be. The message does not show the URI, which may hold a password.</exception>
    public static BrokerOptions Parse(string uri, string prefix = DefaultPrefix)
    {
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("amqp" or "amqps") || parsed.Host.Length == 0)
        {
            throw new ContingiousException("The broker is no AMQP URI. Set --broker or CONTINGIOUS_BROKER to amqp://USER:PASSWORD@HOST:PORT/VHOST (amqps for TLS).");
        }

        var isName = prefix.Length is > 0 and <= 100 && prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
        if (!isName) throw new ContingiousException("The prefix of the queues' names has 1 to 100 characters of A-Z a-z 0-9 . _ -.");
        return new BrokerOptions(parsed, prefix);
    }

    /// <summary>The URI without its password.</summary>
    public override string ToString() => $"{Uri.Scheme}://{Uri.EscapeDataString(User)}@{Address}/{Uri.AbsolutePath.TrimStart('/')}";
}
