using System.Text.Json;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>
/// What the operator of a host decides about jobs, in a JSON file that docs/operating.md describes: defaults and ceilings of limits, the network,
/// directories that may be mounted, where disks lie.
/// </summary>
public sealed record OperatorConfig(EngineOptions Engine, LimitPolicy Limits)
{
    /// <summary>Names another file.</summary>
    public const string PathVariable = "CONTINGIOUS_CONFIG";

    private static readonly JsonDocumentOptions lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Reads an account's file: that of the variable, else <c>/etc/NAME/config.json</c>. Where there is none, all is as documented.</summary>
    /// <exception cref="ContingiousException">The file cannot be read, or something in it is wrong: the message says where.</exception>
    public static OperatorConfig Read(HostLayout layout)
    {
        var named = Environment.GetEnvironmentVariable(PathVariable);
        var path = string.IsNullOrEmpty(named) ? $"/etc/{layout.Name}/config.json" : named;
        try
        {
            return Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException && string.IsNullOrEmpty(named))
        {
            return new OperatorConfig(EngineOptions.Default, LimitPolicy.Documented);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ContingiousException($"The configuration {path} cannot be read: {error.Message}", error);
        }
    }

    /// <param name="json">The file's content.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="ContingiousException">It is not JSON, or something in it is wrong.</exception>
    public static OperatorConfig Parse(ReadOnlyMemory<byte> json, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(json, lenient);
            return Read(document.RootElement);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new ContingiousException($"The configuration {path} is wrong: {error.Message}", error);
        }
    }

    private static OperatorConfig Read(JsonElement root)
    {
        var engine = EngineOptions.Default;
        var limits = new LimitPolicy();
        foreach (var member in Members(root, "the file"))
        {
            switch (member.Name)
            {
                case "limits": ReadLimits(member.Value, limits); break;
                case "network": engine = engine with { AllowInternet = ReadNetwork(member.Value) }; break;
                case "mounts": engine = engine with { Mounts = [.. Items(member.Value, "mounts").Select(ReadMount)] }; break;
                case "disk": engine = engine with { Disk = ReadDisk(member.Value) }; break;
                default: throw Unknown(member.Name, "the file", "limits, network, mounts, disk");
            }
        }

        return new OperatorConfig(engine, limits);
    }

    private static void ReadLimits(JsonElement element, LimitPolicy limits)
    {
        foreach (var kind in Members(element, "limits"))
        {
            if (kind.Name is not ("default" or "most")) throw Unknown(kind.Name, "limits", "default, most");
            foreach (var limit in Members(kind.Value, $"limits.{kind.Name}"))
            {
                if (limit.Value.ValueKind != JsonValueKind.Number) throw new FormatException($"limits.{kind.Name}.{limit.Name} is no number.");
                if (limits.TrySet(limit.Name, limit.Value.GetDouble(), ceiling: kind.Name == "most") is { } problem) throw new FormatException($"limits.{kind.Name}: {problem}");
            }
        }
    }

    // The most that a job may ask for.
    private static bool ReadNetwork(JsonElement element) => Text(element, "network") switch
    {
        "none" => false,
        "internet" => true,
        var other => throw new FormatException($"network is '{other}'. It is none or internet."),
    };

    private static AllowedMount ReadMount(JsonElement element)
    {
        string? path = null;
        var writable = false;
        foreach (var member in Members(element, "an entry of mounts"))
        {
            switch (member.Name)
            {
                case "path": path = Text(member.Value, "mounts.path"); break;
                case "writable": writable = member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False ? member.Value.GetBoolean() : throw new FormatException("mounts.writable is neither true nor false."); break;
                default: throw Unknown(member.Name, "an entry of mounts", "path, writable");
            }
        }

        return new AllowedMount(RootfsSplit.Normalize(path ?? "") ?? throw new FormatException($"mounts.path is '{path}', and must be an absolute path without '..'."), writable);
    }

    private static DiskPolicy ReadDisk(JsonElement element)
    {
        var disk = DiskPolicy.Default;
        foreach (var member in Members(element, "disk"))
        {
            switch (member.Name)
            {
                case "backend":
                    var text = Text(member.Value, "disk.backend");
                    disk = disk with { Backend = text == "auto" ? null : WireNames<DiskBackend>.Find(text) ?? throw new FormatException($"disk.backend is '{text}'. There are: auto, {string.Join(", ", WireNames<DiskBackend>.All)}.") };
                    break;
                case "tmpfs_at_most_bytes":
                    disk = disk with { TmpfsAtMost = new ByteSize(member.Value.TryGetInt64(out var bytes) && bytes >= 0 ? bytes : throw new FormatException("disk.tmpfs_at_most_bytes is no number of bytes.")) };
                    break;
                default:
                    throw Unknown(member.Name, "disk", "backend, tmpfs_at_most_bytes");
            }
        }

        return disk;
    }

    private static JsonElement.ObjectEnumerator Members(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Object ? element.EnumerateObject() : throw new FormatException($"{what} is no object ({{…}}).");

    private static JsonElement.ArrayEnumerator Items(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw new FormatException($"{what} is no list ([…]).");

    private static string Text(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.String ? element.GetString() ?? "" : throw new FormatException($"{what} is no text.");

    private static FormatException Unknown(string name, string where, string known) => new($"{where} has '{name}', which means nothing. There are: {known}.");
}
