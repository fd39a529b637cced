using System.Collections.Concurrent;
using System.Net;
using System.Text;

namespace Contingious.Tests.Telemetry;

/// <summary>An OTLP collector on loopback that keeps what it is sent, and understands none of it.</summary>
internal sealed class FakeCollector : IAsyncDisposable
{
    private readonly HttpListener listener = new();
    private readonly Task serving;

    public FakeCollector()
    {
        using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}");
        }

        listener.Prefixes.Add($"{Endpoint}");
        listener.Start();
        serving = ServeAsync();
    }

    public Uri Endpoint { get; }

    public ConcurrentQueue<(string Path, string ContentType, string? Authorization, byte[] Body)> Requests { get; } = new();

    /// <summary>All that was sent to a path, as text as far as it is some.</summary>
    public string TextOf(string path) => string.Concat(Requests.Where(request => request.Path == path).Select(request => Encoding.Latin1.GetString(request.Body)));

    public async ValueTask DisposeAsync()
    {
        listener.Close();
        await serving;
    }

    private async Task ServeAsync()
    {
        while (listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            Requests.Enqueue((context.Request.Url?.AbsolutePath ?? "", context.Request.ContentType ?? "", context.Request.Headers["Authorization"], body.ToArray()));
            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }
}
