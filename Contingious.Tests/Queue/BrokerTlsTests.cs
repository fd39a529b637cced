using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Contingious.Agent.Queue;
using Contingious.Engine;

namespace Contingious.Tests.Queue;

/// <summary>Who is let pass as the broker, with a real handshake on loopback.</summary>
public sealed class BrokerTlsTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("contingious-tls-");
    private readonly X509Certificate2 authority = NewAuthority("CN=ours");

    [Fact]
    public async Task A_broker_whose_certificate_our_authority_signed_is_let_pass() => await ShakeHandsAsync(authority, "broker.internal", "broker.internal");

    [Fact]
    public async Task A_broker_that_somebody_else_vouches_for_is_not()
    {
        using var stranger = NewAuthority("CN=theirs");
        await Assert.ThrowsAsync<AuthenticationException>(() => ShakeHandsAsync(stranger, "broker.internal", "broker.internal"));
    }

    [Fact]
    public async Task A_broker_of_another_name_is_not() =>
        await Assert.ThrowsAsync<AuthenticationException>(() => ShakeHandsAsync(authority, "broker.internal", "other.internal"));

    [Fact]
    public void A_file_that_cannot_be_used_is_named_with_its_key()
    {
        var path = Path.Combine(directory.FullName, "empty.pem");
        File.WriteAllText(path, "");
        var refusal = Assert.Throws<ContingiousException>(() => new BrokerTls("mq", path, null, null).ToOption());
        Assert.StartsWith($"broker.ca_file: {path} cannot be used", refusal.Message, StringComparison.Ordinal);
        refusal = Assert.Throws<ContingiousException>(() => new BrokerTls("mq", null, "/nowhere.pem", null).ToOption());
        Assert.StartsWith("broker.certificate_file: /nowhere.pem", refusal.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        authority.Dispose();
        directory.Delete(recursive: true);
    }

    private static X509Certificate2 NewAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue);
    }

    private static X509Certificate2 Sign(X509Certificate2 authority, string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(authority, DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue, RandomNumberGenerator.GetBytes(8));
        using var withKey = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    private async Task ShakeHandsAsync(X509Certificate2 signer, string certified, string expected)
    {
        var authorities = Path.Combine(directory.FullName, "ca.pem");
        await File.WriteAllTextAsync(authorities, authority.ExportCertificatePem());
        var option = new BrokerTls(expected, authorities, null, null).ToOption();
        using var certificate = Sign(signer, certified);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, certificate);
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        await using var stream = new SslStream(client.GetStream(), false, option.CertificateValidationCallback);
        try
        {
            await stream.AuthenticateAsClientAsync(option.ServerName);
        }
        finally
        {
            client.Close();
            await serving;
        }
    }

    private static async Task ServeAsync(TcpListener listener, X509Certificate2 certificate)
    {
        using var accepted = await listener.AcceptTcpClientAsync();
        await using var stream = new SslStream(accepted.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(certificate);
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            // The client left.
        }
    }
}
