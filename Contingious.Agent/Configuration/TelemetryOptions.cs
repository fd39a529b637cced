using System.Net;

namespace Contingious.Agent.Configuration;

/// <summary>To whom an agent says how it is.</summary>
public sealed record TelemetryOptions
{
    /// <summary>Where health and metrics are served; nothing: they are not.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Whether <see cref="Listen"/> may be an address that others reach.</summary>
    public bool ListenAnywhere { get; init; }

    /// <summary>The collector that traces and metrics are sent to; nothing: that of the environment's standard variables, if they name one.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>How it is spoken to.</summary>
    public OtlpProtocol OtlpProtocol { get; init; } = OtlpProtocol.HttpProtobuf;

    /// <summary>A file with a header a line, <c>name: value</c>, sent with every request: where the collector wants a token.</summary>
    public string? OtlpHeadersFile { get; init; }
}

/// <summary>The two protocols of OTLP.</summary>
public enum OtlpProtocol
{
    HttpProtobuf,
    Grpc,
}
