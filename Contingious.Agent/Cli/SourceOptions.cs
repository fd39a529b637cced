using System.CommandLine;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Sources;

namespace Contingious.Agent.Cli;

/// <summary>The options of an import that say where the image comes from, and how it is got at; podman's names.</summary>
internal sealed class SourceOptions
{
    private readonly Option<string?> source = new("--source") { Description = "take the image of a recipe from here; what else the recipe says stays", HelpName = "SOURCE" };
    private readonly Option<string?> platform = new("--platform") { Description = "which image of an index (this host's)", HelpName = "OS/ARCH[/VARIANT]" };
    private readonly Option<bool> tlsVerify = new("--tls-verify") { Description = "false: registries without TLS, or with a certificate of nobody, are fine (true)", HelpName = "BOOL", DefaultValueFactory = _ => true };
    private readonly Option<string?> authFile = new("--authfile") { Description = "credentials for registries (REGISTRY_AUTH_FILE, or what skopeo, podman and docker login wrote)", HelpName = "FILE" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { source, platform, tlsVerify, authFile }) command.Add(option);
    }

    /// <exception cref="RejectedRequestException">Two sources are given.</exception>
    public void Check(ParseResult parsed, string what)
    {
        if (parsed.GetValue(source) is not null && ImportRequest.IsSource(what)) throw new RejectedRequestException("--source", $"--source goes with the name of a recipe, and '{what}' is a source itself.");
    }

    /// <summary>Read by whoever calls, outside of the keeper; found again inside.</summary>
    public MemoryFile? ReadCredentials(ParseResult parsed, string what)
    {
        if (AccountEntry.TryTakeSecret(out var handed)) return handed;
        var named = parsed.GetValue(authFile);
        return named is not null || RegistryCredentials.AreFor(parsed.GetValue(source) ?? what) ? RegistryCredentials.Read(named) : null;
    }

    public ImportRequest Apply(ParseResult parsed, ImportRequest request, MemoryFile? credentials) => request with
    {
        Source = parsed.GetValue(source) ?? request.Source,
        // Those of the recipe's own build context; another build may want them too.
        HostFiles = parsed.GetValue(source) is { } other && !other.StartsWith("containerfile:", StringComparison.Ordinal) ? new Dictionary<string, string>() : request.HostFiles,
        Platform = parsed.GetValue(platform),
        Registry = new RegistryAccess { VerifyTls = parsed.GetValue(tlsVerify), AuthFile = credentials?.Path },
    };
}
