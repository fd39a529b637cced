using System.Collections;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Host;

namespace Contingious.Agent.Configuration;

/// <summary>
/// What the operator of a host decides, as docs/operating.md describes: by options of the command, which win over variables of the environment,
/// which win over a JSON file, which wins over what is documented.
/// </summary>
public sealed record OperatorConfig
{
    /// <summary>What OpenTelemetry's own variables begin with.</summary>
    private const string TelemetryPrefix = "OTEL_";

    /// <summary>Names another file.</summary>
    public const string PathVariable = "CONTINGIOUS_CONFIG";

    /// <summary>What the engine is opened with.</summary>
    public required EngineOptions Engine { get; init; }

    /// <summary>Defaults and ceilings of jobs' limits.</summary>
    public required LimitPolicy Limits { get; init; }

    /// <summary>How the agent works; with <see cref="Limits"/> in it.</summary>
    public required AgentOptions Agent { get; init; }

    /// <summary>Which broker, as far as it was said.</summary>
    public required BrokerSettings Broker { get; init; }

    public required ResultOptions Results { get; init; }

    public required TelemetryOptions Telemetry { get; init; }

    /// <summary>The file that was read; nothing where there was none.</summary>
    public string? File { get; init; }

    /// <summary>What is not wrong and not as it should be: sentences, without anything that is secret.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Every value, in the order of the manual, and where it came from.</summary>
    public IReadOnlyList<EffectiveValue> Values { get; init; } = [];

    /// <summary>
    /// The variables that give another process of this account what this one was given by variables and options, but for the broker's:
    /// a runner does not talk to it, and is not given its password. OpenTelemetry's own variables are among them.
    /// </summary>
    public IReadOnlyDictionary<string, string> Handover { get; init; } = new Dictionary<string, string>();

    /// <summary>Those of <see cref="Handover"/> that are OpenTelemetry's own.</summary>
    internal IEnumerable<KeyValuePair<string, string>> TelemetryVariables => Handover.Where(variable => variable.Key.StartsWith(TelemetryPrefix, StringComparison.Ordinal));

    /// <summary>Reads an account's file, <c>/etc/NAME/config.json</c> or what <see cref="PathVariable"/> names, and the environment.</summary>
    /// <exception cref="ContingiousException">The file cannot be read, or something is wrong: the message says where, all of it at once.</exception>
    public static OperatorConfig Read(HostLayout layout) => Read(layout, ConfigOptions.None);

    /// <summary>As <see cref="Read(HostLayout)"/>, with options of the command line, which win.</summary>
    public static OperatorConfig Read(HostLayout layout, ConfigOptions options)
    {
        var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(variable => (string)variable.Key, variable => variable.Value as string ?? "", StringComparer.Ordinal);
        var named = options.File ?? environment.GetValueOrDefault(PathVariable);
        var path = string.IsNullOrEmpty(named) ? $"/etc/{layout.Name}/config.json" : named;
        return Compose(ReadFile(path, mayBeMissing: string.IsNullOrEmpty(named)), path, environment, options);
    }

    /// <summary>Reads a file's content alone.</summary>
    /// <param name="json">The content.</param>
    /// <param name="path">For messages.</param>
    /// <exception cref="ContingiousException">Something in it is wrong.</exception>
    public static OperatorConfig Parse(ReadOnlyMemory<byte> json, string path) => Compose(json, path, new Dictionary<string, string>(), ConfigOptions.None);

    /// <summary>Puts all sources together.</summary>
    /// <param name="json">The file's content; nothing where there is none.</param>
    /// <param name="path">The file.</param>
    /// <param name="environment">Variables by name.</param>
    /// <param name="options">What the command line says.</param>
    /// <exception cref="ContingiousException">Something is wrong.</exception>
    internal static OperatorConfig Compose(ReadOnlyMemory<byte>? json, string path, IReadOnlyDictionary<string, string> environment, ConfigOptions options)
    {
        var reader = new ConfigReader();
        if (json is { } content) reader.TakeFile(content.Span, path);
        reader.TakeEnvironment(environment);
        reader.TakeOptions(options);
        var config = reader.Conclude();
        var handover = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var setting in SettingTable.All.Where(setting => !setting.Key.StartsWith("broker.", StringComparison.Ordinal)))
        {
            if (environment.GetValueOrDefault(setting.Variable) is { Length: > 0 } text) handover[setting.Variable] = text;
            if (options.Values.LastOrDefault(option => option.Key == setting.Key) is { } given) handover[setting.Variable] = given.Text;
        }

        foreach (var (name, value) in environment.Where(variable => variable.Key.StartsWith(TelemetryPrefix, StringComparison.Ordinal))) handover[name] = value;
        if (json is not null) handover[PathVariable] = Path.GetFullPath(path);
        return config with
        {
            File = json is null ? null : path,
            Handover = handover,
            Warnings = [.. config.Warnings, .. SecretFiles.Examine(config, json is null ? null : path)],
        };
    }

    private static ReadOnlyMemory<byte>? ReadFile(string path, bool mayBeMissing)
    {
        try
        {
            return System.IO.File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException && mayBeMissing)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ContingiousException($"The configuration {path} cannot be read: {error.Message}", error);
        }
    }
}

/// <summary>What a command line says about the configuration.</summary>
/// <param name="File">Another file.</param>
/// <param name="Values">Values by their keys, as written.</param>
public sealed record ConfigOptions(string? File, IReadOnlyList<GivenOption> Values)
{
    public static ConfigOptions None { get; } = new(null, []);
}

/// <summary>A value that an option gives.</summary>
/// <param name="Key">Such as <c>agent.slots</c>.</param>
/// <param name="Text">The value.</param>
/// <param name="Option">The option, for messages: <c>--slots</c>.</param>
public sealed record GivenOption(string Key, string Text, string Option);

/// <summary>A value that holds.</summary>
/// <param name="Key">Such as <c>agent.slots</c>.</param>
/// <param name="Value">For people; a secret is not shown. Nothing: not set.</param>
/// <param name="Origin"><c>default</c>, <c>FILE:LINE</c>, a variable, an option, or <c>not set</c>.</param>
/// <param name="IsNumber">Whether the value is a number.</param>
public sealed record EffectiveValue(string Key, string? Value, string Origin, bool IsNumber);
