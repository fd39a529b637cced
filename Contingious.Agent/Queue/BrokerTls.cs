using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Contingious.Engine;
using RabbitMQ.Client;

namespace Contingious.Agent.Queue;

/// <summary>How a connection is encrypted. The broker's certificate is always verified; there is no way to turn that off.</summary>
internal sealed record BrokerTls(string ServerName, string? CaFile, string? CertificateFile, string? KeyFile)
{
    /// <exception cref="ContingiousException">A file cannot be read, or is not what it should be.</exception>
    public SslOption ToOption()
    {
        var option = new SslOption { Enabled = true, ServerName = ServerName };
        if (CaFile is { } authorities) option.CertificateValidationCallback = VerifiedBy(Load("broker.ca_file", authorities, ReadAuthorities));
        if (CertificateFile is { } certificate)
        {
            option.Certs = [Load("broker.certificate_file", certificate, path => X509Certificate2.CreateFromPemFile(path, KeyFile ?? path))];
        }

        return option;
    }

    private static X509Certificate2Collection ReadAuthorities(string path)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(path);
        return authorities.Count > 0 ? authorities : throw new CryptographicException("It holds no PEM certificate.");
    }

    private static T Load<T>(string key, string path, Func<string, T> load)
    {
        try
        {
            return load(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new ContingiousException($"{key}: {path} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>The name must be right as ever; only who may have signed is another list.</summary>
    private static RemoteCertificateValidationCallback VerifiedBy(X509Certificate2Collection authorities) => (_, certificate, given, errors) =>
    {
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (given is not null)
        {
            foreach (var element in given.ChainElements) chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        using var own = new X509Certificate2(certificate);
        return chain.Build(own);
    };
}
