using System.Text.RegularExpressions;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host.Checks;

/// <summary>Versions, and what is known of them. The only check that starts programs.</summary>
internal static partial class VersionCheck
{
    private const string Check = "versions";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static async Task<IReadOnlyList<Finding>> RunAsync(Examined host, CancellationToken cancellation) =>
    [
        .. await OfAsync("crun", host, cancellation).ConfigureAwait(false),
        .. await OfAsync("runc", host, cancellation).ConfigureAwait(false),
        .. await OfAsync("rootlesskit", host, cancellation).ConfigureAwait(false),
    ];

    public static async Task<IReadOnlyDictionary<string, string>> VersionsAsync(HostRoot root, CancellationToken cancellation)
    {
        var versions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var program in new[] { "crun", "runc", "rootlesskit" })
        {
            if (root.FindProgram(program) is { } path && await AskAsync(path, cancellation).ConfigureAwait(false) is { } version) versions[program] = version.ToString();
        }

        return versions;
    }

    private static async Task<IReadOnlyList<Finding>> OfAsync(string program, Examined host, CancellationToken cancellation)
    {
        if (host.Root.FindProgram(program) is not { } path) return [];
        if (await AskAsync(path, cancellation).ConfigureAwait(false) is not { } version)
        {
            return [Finding.Notice(Check, $"{path} does not say its version.", $"{path} --version")];
        }

        // A runtime may be there for somebody else.
        var isUsed = program.Equals(host.UsedRuntime.ToString(), StringComparison.OrdinalIgnoreCase);
        return [Finding.Ok(Check, $"{program} is version {version}."), .. isUsed ? KnownWeaknesses.Of(program, version) : []];
    }

    private static async Task<Version?> AskAsync(string path, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            var answer = await ProgramRunner.RunAsync(new ProgramRequest(path, "--version"), patience.Token).ConfigureAwait(false);
            return Version.TryParse(Number().Match(answer.StdoutText).Value, out var version) ? version : null;
        }
        catch (Exception error) when (error is ContingiousException or IOException || (error is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    [GeneratedRegex(@"\d+\.\d+(\.\d+)?")]
    private static partial Regex Number();
}
