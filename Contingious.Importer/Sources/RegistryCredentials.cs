using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Contingious.Engine;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Sources;

/// <summary>
/// What the caller may say to registries, from the files of containers-auth.json(5): read by whoever calls, whose files those are, before the import goes on as
/// an account that may not read them. In memory only from then on.
/// </summary>
public static class RegistryCredentials
{
    private const string Variable = "REGISTRY_AUTH_FILE";
    private const int MaxSize = 1 << 20;

    /// <summary>Whether an import may ask a registry: a source that names one does, a Containerfile and a recipe may.</summary>
    /// <param name="what">A source or the name of a recipe.</param>
    public static bool AreFor(string what) => ImageSource.TransportOf(what) is null or "docker" or "containerfile";

    /// <summary>Reads the file that is named, by the caller or by <c>$REGISTRY_AUTH_FILE</c>, or else those at the usual places; an entry of an earlier one wins.</summary>
    /// <returns>One file of that form, in memory; nothing where there are no credentials.</returns>
    /// <exception cref="RejectedRequestException">The file that was named cannot be read, or one is not of that form.</exception>
    public static MemoryFile? Read(string? named)
    {
        if ((named ?? Environment.GetEnvironmentVariable(Variable)) is { Length: > 0 } only)
        {
            var path = Path.GetFullPath(only);
            return Keep(Parse(path, TryRead(path) ?? throw new RejectedRequestException("authfile", $"The file with credentials {path} is not there.")));
        }

        JsonObject? all = null;
        foreach (var path in UsualPlaces())
        {
            if (TryRead(path) is not { } content) continue;
            var one = Parse(path, content);
            if (all is null) all = one;
            else Merge(all, one);
        }

        return all is null ? null : Keep(all);
    }

    private static IEnumerable<string> UsualPlaces()
    {
        var home = Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } given ? given : "/";
        var config = Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } named ? named : Path.Combine(home, ".config");
        // Without a runtime directory it is this one (containers-auth.json(5)).
        var runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } directory
            ? Path.Combine(directory, "containers")
            : string.Create(CultureInfo.InvariantCulture, $"/run/containers/{Credentials.OuterUid(Credentials.EffectiveUid)}");
        return [Path.Combine(runtime, "auth.json"), Path.Combine(config, "containers", "auth.json"), Path.Combine(home, ".docker", "config.json")];
    }

    private static byte[]? TryRead(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            if (file.Length > MaxSize) throw new RejectedRequestException("authfile", $"The file with credentials {path} has {file.Length} bytes; {MaxSize} are allowed.");
            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new RejectedRequestException("authfile", $"The file with credentials {path} cannot be read: {error.Message}");
        }
    }

    private static JsonObject Parse(string path, byte[] content)
    {
        try
        {
            // What is wrong with it is not quoted: it may be a password.
            return JsonNode.Parse(content) as JsonObject ?? throw new RejectedRequestException("authfile", $"The file with credentials {path} is not of the form that containers-auth.json(5) describes.");
        }
        catch (JsonException)
        {
            throw new RejectedRequestException("authfile", $"The file with credentials {path} is not JSON. 'skopeo login' writes one that is.");
        }
    }

    private static void Merge(JsonObject all, JsonObject one)
    {
        foreach (var section in new[] { "auths", "credHelpers" })
        {
            if (one[section] is not JsonObject entries) continue;
            if (all[section] is not JsonObject known) all[section] = known = [];
            foreach (var (registry, entry) in entries)
            {
                if (!known.ContainsKey(registry)) known[registry] = entry?.DeepClone();
            }
        }
    }

    private static MemoryFile Keep(JsonObject content)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes)) content.WriteTo(writer);
        return MemoryFile.Create("contingious-auth", bytes.ToArray());
    }
}
