using System.Text;
using System.Text.RegularExpressions;
using Contingious.Engine.Programs;

namespace Contingious.Importer.Sources;

/// <summary>What this host's apt(8) knows of where packages come from: mirrors, and the proxies on the way there.</summary>
internal static partial class AptConfiguration
{
    public const string HostDirectory = "/etc/apt";

    /// <summary>apt's words for false, in any case (StringToBool of apt-pkg).</summary>
    private static readonly string[] off = ["no", "false", "without", "off", "disable"];

    /// <summary>
    /// The host's package sources of a suite, with its updates and security updates, as deb822 (sources.list(5)). Nothing where the host does not have the suite: then the
    /// tool's own default is as good as any.
    /// </summary>
    public static string SourcesOf(string suite, string directory)
    {
        string[] wanted = [suite, $"{suite}-updates", $"{suite}-security"];
        var parts = Path.Combine(directory, "sources.list.d");
        var files = Directory.Exists(parts) ? Directory.EnumerateFiles(parts).Order(StringComparer.Ordinal).ToList() : [];
        IEnumerable<string> lists = [Path.Combine(directory, "sources.list"), .. files.Where(file => file.EndsWith(".list", StringComparison.Ordinal))];
        var stanzas = lists.Where(File.Exists).SelectMany(File.ReadLines).Select(FromLine)
            .Concat(files.Where(file => file.EndsWith(".sources", StringComparison.Ordinal)).SelectMany(file => Stanzas(File.ReadLines(file))))
            .Select(stanza => Only(wanted, stanza))
            .OfType<string>()
            .ToList();
        return stanzas.Exists(stanza => Field(stanza, "Suites").Split(' ').Contains(suite)) ? string.Join('\n', stanzas) : "";
    }

    /// <summary>The options that say how apt gets at what it downloads, in the form of apt.conf(5).</summary>
    public static async Task<string> OptionsAsync(CancellationToken cancellation)
    {
        if (ProgramRunner.Find("apt-config") is not { } program) return "";
        var dump = await ProgramRunner.RequireAsync(new ProgramRequest(program, "dump", "--format", "%f \"%v\";%n", "Acquire"), cancellation).ConfigureAwait(false);
        return string.Join('\n', dump.StdoutText.Split('\n').Where(line => Transfer().IsMatch(line))) + "\n";
    }

    /// <summary>One line of the older form; an empty stanza where it is none.</summary>
    private static string FromLine(string line)
    {
        var match = Line().Match(line);
        if (!match.Success) return "";
        var stanza = new StringBuilder($"Types: deb\nURIs: {match.Groups["uri"]}\nSuites: {match.Groups["suite"]}\nComponents: {match.Groups["components"].Value.Trim()}\n");
        foreach (var option in match.Groups["options"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            // [arch=amd64,arm64 signed-by=/path] are the fields Architectures and Signed-By.
            var equals = option.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0) continue;
            var (name, value) = (option[..equals], option[(equals + 1)..]);
            stanza.Append(name switch { "arch" => "Architectures", "lang" => "Languages", "target" => "Targets", _ => name }).Append(": ").Append(value.Replace(',', ' ')).Append('\n');
        }

        return stanza.ToString();
    }

    private static IEnumerable<string> Stanzas(IEnumerable<string> lines)
    {
        var stanza = new StringBuilder();
        foreach (var line in lines.Append(""))
        {
            if (line.StartsWith('#')) continue;
            if (line.Trim().Length > 0)
            {
                stanza.Append(line).Append('\n');
                continue;
            }

            if (stanza.Length > 0) yield return stanza.ToString();
            stanza.Clear();
        }
    }

    /// <summary>The stanza with no other suites than those; nothing where none is left, or it is not of binary packages, or off.</summary>
    private static string? Only(string[] wanted, string stanza)
    {
        var suites = Field(stanza, "Suites").Split(' ', StringSplitOptions.RemoveEmptyEntries).Intersect(wanted).ToList();
        if (suites.Count == 0 || !Field(stanza, "Types").Split(' ').Contains("deb") || off.Contains(Field(stanza, "Enabled"), StringComparer.OrdinalIgnoreCase)) return null;
        var lines = stanza.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Is(line, "Suites") ? $"Suites: {string.Join(' ', suites)}" : Is(line, "Types") ? "Types: deb" : line);
        return string.Join('\n', lines) + "\n";
    }

    private static string Field(string stanza, string name) =>
        Array.Find(stanza.Split('\n'), line => Is(line, name)) is { } line ? line[(name.Length + 1)..].Trim() : "";

    private static bool Is(string line, string name) => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"\A\s*deb\s+(\[(?<options>[^\]]*)\]\s*)?(?<uri>\S+)\s+(?<suite>\S+)(?<components>[^#]*)", RegexOptions.ExplicitCapture)]
    private static partial Regex Line();

    [GeneratedRegex(@"\AAcquire::(http|https|Retries|Check-Valid-Until|Check-Date|Max-ValidTime)\b", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase)]
    private static partial Regex Transfer();
}
