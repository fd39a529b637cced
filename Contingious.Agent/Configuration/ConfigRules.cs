using System.Net;
using Contingious.Engine.Model;

namespace Contingious.Agent.Configuration;

/// <summary>What holds between values, wherever each of them came from.</summary>
internal static class ConfigRules
{
    /// <summary>What makes a configuration useless: sentences with the keys.</summary>
    public static IEnumerable<string> Broken(ConfigDraft draft)
    {
        var telemetry = draft.Telemetry;
        if (telemetry is { Listen: { } listen, ListenAnywhere: false } && !IPAddress.IsLoopback(listen.Address))
        {
            yield return $"telemetry.listen ({Origin(draft, "telemetry.listen")}) is {listen}, which other hosts may reach, and whoever does can read the metrics. Listen on 127.0.0.1, or set telemetry.listen_anywhere to true.";
        }

        if (draft.Blobs.Directory.Length == 0 && (draft.Origins.ContainsKey("results.blobs.most_bytes") || draft.Origins.ContainsKey("results.blobs.keep_days")))
        {
            yield return $"results.blobs has no directory: set {SettingTable.BlobDirectory}, or leave all of it out.";
        }
    }

    /// <summary>What can be meant so, and mostly is not.</summary>
    public static IEnumerable<string> Doubtful(ConfigDraft draft)
    {
        var capacity = draft.Agent.Capacity;
        var memory = new ByteSize(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        if (capacity.Memory > memory) yield return $"agent.memory_bytes is {capacity.Memory.Bytes}, and this host has {memory.Bytes}: jobs together may need more than there is.";
        if (capacity.Cpus > Environment.ProcessorCount) yield return $"agent.cpus is {capacity.Cpus:R}, and this host has {Environment.ProcessorCount}: jobs will measure each other.";
        if (draft.Telemetry is { OtlpHeadersFile: not null, OtlpEndpoint: null }) yield return "telemetry.otlp.headers_file is set without telemetry.otlp.endpoint, and is not used.";
        if (draft.Origins.GetValueOrDefault("broker.password")?.StartsWith("--", StringComparison.Ordinal) == true) yield return "broker.password was given on the command line, where other users of this host can read it. Use broker.password_file.";
        if (draft.Broker.NamesPassword && draft.Origins.GetValueOrDefault("broker.uri")?.StartsWith("--", StringComparison.Ordinal) == true) yield return "The password in broker.uri was given on the command line, where other users of this host can read it. Use broker.password_file.";
    }

    private static string Origin(ConfigDraft draft, string key) => draft.Origins.GetValueOrDefault(key, "default");
}
