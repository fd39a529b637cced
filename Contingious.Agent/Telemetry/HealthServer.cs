using System.Net;
using Contingious.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Contingious.Agent.Telemetry;

/// <summary>
/// Serves <c>/healthz</c>, <c>/readyz</c> and <c>/metrics</c> by plain HTTP on one address. It reads and changes nothing, and a request's
/// body, headers and query are not looked at.
/// </summary>
internal sealed class HealthServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly WebApplication web;

    private HealthServer(WebApplication web, IPEndPoint address)
    {
        this.web = web;
        Address = address;
    }

    /// <summary>Where it serves, with the port that it got where none was chosen (0).</summary>
    public IPEndPoint Address { get; }

    /// <param name="address">Where. What may be listened on is the configuration's to check.</param>
    /// <param name="health">Asked for each request; must not block.</param>
    /// <param name="metrics">The text of <c>/metrics</c>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ContingiousException">The address cannot be had.</exception>
    public static async Task<HealthServer> StartAsync(IPEndPoint address, Func<AgentHealth> health, Func<string> metrics, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;
            server.Limits.MaxConcurrentConnections = 64;
            server.Limits.MaxRequestBodySize = 0;
            server.Limits.MaxRequestHeadersTotalSize = 8 << 10;
            server.Limits.RequestHeadersTimeout = Patience;
            server.Listen(address);
        });
        // Signals are the agent's, which is asked how it is while it stops, too.
        builder.Services.AddSingleton<IHostLifetime, DeafLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Patience);
        var web = builder.Build();
        web.Run(context => AnswerAsync(context, health, metrics));
        try
        {
            await web.StartAsync(cancellation).ConfigureAwait(false);
            return new HealthServer(web, AddressOf(web, address));
        }
        catch (Exception error)
        {
            await web.DisposeAsync().ConfigureAwait(false);
            if (error is not IOException and not System.Net.Sockets.SocketException) throw;
            throw new ContingiousException($"Health and metrics cannot be served on {address} (telemetry.listen): {error.Message}", error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await web.StopAsync(CancellationToken.None).ConfigureAwait(false);
        await web.DisposeAsync().ConfigureAwait(false);
    }

    private static IPEndPoint AddressOf(WebApplication web, IPEndPoint asked) =>
        web.Urls.FirstOrDefault() is { } url && Uri.TryCreate(url, UriKind.Absolute, out var uri) ? new IPEndPoint(asked.Address, uri.Port) : asked;

    private static Task AnswerAsync(HttpContext context, Func<AgentHealth> health, Func<string> metrics)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method)) return SayAsync(context, StatusCodes.Status405MethodNotAllowed, "only GET and HEAD\n");
        return context.Request.Path.Value switch
        {
            "/healthz" => SayAsync(context, health().NotAlive),
            "/readyz" => SayAsync(context, health().NotReady),
            "/metrics" => SayAsync(context, StatusCodes.Status200OK, metrics(), PrometheusText.ContentType),
            _ => SayAsync(context, StatusCodes.Status404NotFound, "there are /healthz, /readyz and /metrics\n"),
        };
    }

    private static Task SayAsync(HttpContext context, string? problem) =>
        SayAsync(context, problem is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable, $"{problem ?? "ok"}\n");

    private static Task SayAsync(HttpContext context, int status, string text, string type = "text/plain; charset=utf-8")
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.Headers.CacheControl = "no-store";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.WriteAsync(text);
    }

    /// <summary>Hears no signal.</summary>
    private sealed class DeafLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
