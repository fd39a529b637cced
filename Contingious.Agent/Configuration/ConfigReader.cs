using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Storage.Blobs;

namespace Contingious.Agent.Configuration;

/// <summary>
/// Takes values from one source after the other, each over those before it. What is wrong is kept, so that one reading names all of it.
/// </summary>
internal sealed class ConfigReader
{
    /// <summary>Variables of ours that are no settings. Those of the tests begin with <c>CONTINGIOUS_TEST</c>.</summary>
    private static readonly HashSet<string> otherVariables = new(StringComparer.Ordinal)
    {
        OperatorConfig.PathVariable, "CONTINGIOUS_ACCOUNT", "CONTINGIOUS_IMAGES", "CONTINGIOUS_SOAK", "CONTINGIOUS_CLI", "CONTINGIOUS_CWD", "CONTINGIOUS_SECRET_FD", "CONTINGIOUS_FINDINGS", "CONTINGIOUS_NEXT",
    };

    /// <summary>The short name of <c>broker.uri</c>.</summary>
    private const string BrokerVariable = "CONTINGIOUS_BROKER";

    private readonly ConfigDraft draft = new();
    private readonly List<string> problems = [];
    private readonly List<string> warnings = [];
    private readonly MountReader mounts = new();

    public void TakeFile(ReadOnlySpan<byte> json, string path)
    {
        try
        {
            var entries = ConfigFile.TakeApart(json);
            var known = new HashSet<string>(StringComparer.Ordinal);
            foreach (var entry in entries)
            {
                if (Take(entry, path, known) is { } problem) problems.Add(InFile(path, entry.Line, problem));
            }

            if (problems.Count == 0) problems.AddRange(mounts.WithoutPath.Select(line => InFile(path, line, "an entry of mounts has no path.")));
        }
        catch (ConfigFault fault)
        {
            problems.Add(InFile(path, fault.Line, fault.Message));
        }

        draft.EndSource();
    }

    public void TakeEnvironment(IReadOnlyDictionary<string, string> environment)
    {
        var byVariable = SettingTable.All.ToDictionary(setting => setting.Variable, StringComparer.Ordinal);
        foreach (var (name, text) in environment.OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            if (!name.StartsWith(Setting.Prefix, StringComparison.Ordinal) || text.Length == 0) continue;
            var setting = name == BrokerVariable ? SettingTable.Find("broker.uri") : byVariable.GetValueOrDefault(name);
            if (setting is not null) Give(setting, text, name, $"The variable {name} is wrong");
            else if (!otherVariables.Contains(name) && !name.StartsWith("CONTINGIOUS_TEST", StringComparison.Ordinal)) warnings.Add($"The variable {name} means nothing. The manual has those that do.");
        }

        draft.EndSource();
    }

    public void TakeOptions(ConfigOptions options)
    {
        foreach (var given in options.Values)
        {
            if (SettingTable.Find(given.Key) is { } setting) Give(setting, given.Text, given.Option, $"The option {given.Option} is wrong");
            else problems.Add($"The option {given.Option} is wrong: '{given.Key}' means nothing. 'contingious agent --show-config' lists what there is.");
        }

        draft.EndSource();
    }

    /// <exception cref="ContingiousException">Something was wrong: all of it, a sentence a line.</exception>
    public OperatorConfig Conclude()
    {
        draft.EndSources();
        if (problems.Count == 0) problems.AddRange(ConfigRules.Broken(draft));
        if (problems.Count > 0) throw new ContingiousException(string.Join('\n', problems));
        var blobs = draft.Blobs.Directory.Length > 0 ? draft.Blobs : null;
        draft.Results = draft.Results with { Blobs = blobs };
        draft.Engine = draft.Engine with
        {
            Mounts = mounts.Allowed,
            InlineOutputs = draft.Results.Inline,
            Blobs = blobs is null ? null : new BlobDirectory(blobs, TimeProvider.System),
        };
        if (blobs is not null) draft.Limits.MostOutputs = blobs.MostOutputs;
        return new OperatorConfig
        {
            Engine = draft.Engine,
            Limits = draft.Limits,
            Agent = draft.Agent with { Limits = draft.Limits, SelfTestImage = draft.SelfTestImage },
            Broker = draft.Broker,
            Results = draft.Results,
            Telemetry = draft.Telemetry,
            Warnings = [.. warnings, .. ConfigRules.Doubtful(draft)],
            Values = [.. SettingTable.All.Select(setting => new EffectiveValue(setting.Key, setting.Show(draft), setting.Show(draft) is null ? "not set" : draft.Origins.GetValueOrDefault(setting.Key, "default"), setting.IsNumber))],
        };
    }

    private string? Take(ConfigEntry entry, string path, HashSet<string> known)
    {
        var (parent, name) = Split(entry.Key);
        // What is in something that is wrong already is not told in addition.
        if (entry.Key.Length > 0 && !known.Contains(parent)) return null;
        if (SettingTable.Sections.Contains(entry.Key))
        {
            if (entry.Kind != ConfigKind.Object) return $"{entry.Place} is {Setting.NameOf(entry.Kind)}, and must be an object ({{…}}).";
            known.Add(entry.Key);
            return null;
        }

        if (SettingTable.Find(entry.Key) is { } setting)
        {
            draft.Origins[setting.Key] = $"{path}:{entry.Line}";
            return setting.Set(draft, entry.Kind, entry.Text);
        }

        if (entry.Key == MountReader.Key || entry.Key.StartsWith($"{MountReader.Key}[", StringComparison.Ordinal)) return mounts.Take(entry, known);
        var place = parent.Length == 0 ? "the file" : parent;
        return $"{place} has '{name}', which means nothing. There are: {string.Join(", ", SettingTable.Sections[parent])}.";
    }

    private void Give(Setting setting, string text, string origin, string blame)
    {
        draft.Origins[setting.Key] = origin;
        if (setting.Set(draft, ConfigKind.Plain, text) is { } problem) problems.Add($"{blame}: {problem}");
    }

    private static string InFile(string path, int line, string problem) => $"The configuration {path} is wrong in line {line}: {problem}";

    private static (string Parent, string Name) Split(string key)
    {
        var end = key.LastIndexOfAny(['.', '[']);
        return end < 0 ? ("", key) : (key[..end], key[(end + 1)..]);
    }
}

/// <summary>The list of directories that jobs may mount: the one thing that is no single value.</summary>
internal sealed class MountReader
{
    public const string Key = "mounts";

    private readonly List<(int Line, string? Path, bool Writable)> mounts = [];

    public IReadOnlyList<AllowedMount> Allowed => [.. mounts.Select(mount => new AllowedMount(mount.Path ?? "", mount.Writable))];

    /// <returns>What is wrong, a sentence; nothing where it was taken.</returns>
    public string? Take(ConfigEntry entry, HashSet<string> known)
    {
        if (entry.Key == Key)
        {
            if (entry.Kind != ConfigKind.List) return $"{Key} is {Setting.NameOf(entry.Kind)}, and must be a list ([…]).";
            known.Add(Key);
            return null;
        }

        var isEntry = entry.Key.EndsWith(']');
        if (isEntry)
        {
            if (entry.Kind != ConfigKind.Object) return $"{entry.Key} is {Setting.NameOf(entry.Kind)}, and must be an object ({{…}}).";
            known.Add(entry.Key);
            mounts.Add((entry.Line, null, false));
            return null;
        }

        var name = entry.Key[(entry.Key.LastIndexOf('.') + 1)..];
        switch (name)
        {
            case "path":
                if (entry.Kind != ConfigKind.Text) return $"{entry.Key} is {Setting.NameOf(entry.Kind)}, and must be a text.";
                if (RootfsSplit.Normalize(entry.Text) is not { } path) return $"{entry.Key} is '{entry.Text}'; an absolute path without '..' is allowed.";
                mounts[^1] = mounts[^1] with { Path = path };
                return null;
            case "writable":
                if (entry.Kind != ConfigKind.Boolean) return $"{entry.Key} is {Setting.NameOf(entry.Kind)}, and must be true or false.";
                mounts[^1] = mounts[^1] with { Writable = entry.Text == "true" };
                return null;
            default:
                return $"{entry.Key[..entry.Key.LastIndexOf('.')]} has '{name}', which means nothing. There are: path, writable.";
        }
    }

    /// <summary>Entries without a path, by their lines.</summary>
    public IEnumerable<int> WithoutPath => mounts.Where(mount => mount.Path is null).Select(mount => mount.Line);
}
