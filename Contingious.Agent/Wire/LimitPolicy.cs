using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>What an agent's operator decides about limits: what a job gets that names none, and the most that it may name.</summary>
public sealed class LimitPolicy
{
    private readonly Dictionary<string, double> defaults = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> most = new(StringComparer.Ordinal);

    /// <summary>The defaults and ranges of docs/wire.md.</summary>
    public static LimitPolicy Documented { get; } = new();

    /// <summary>The most that a job may name of its outputs. It is more than <see cref="OutputLimits.Default"/> where the agent has a store for large ones.</summary>
    public OutputLimits MostOutputs { get; set; } = OutputLimits.Default;

    /// <summary>Sets a default or a ceiling by its key on the wire.</summary>
    /// <returns>What is wrong with it, as a sentence; nothing where it was set.</returns>
    public string? TrySet(string key, double value, bool ceiling)
    {
        var rule = LimitRule.All.FirstOrDefault(rule => rule.Key == key);
        if (rule is null) return $"'{key}' is no limit. There are: {string.Join(", ", LimitRule.All.Select(rule => rule.Key))}.";
        if (!(value >= rule.Least && value <= rule.Most) || (rule.IsWhole && value != Math.Floor(value))) return $"{key} is {value:R}; {rule.Least:R} to {rule.Most:R} is allowed{(rule.IsWhole ? ", in whole numbers" : "")}.";
        (ceiling ? most : defaults)[key] = value;
        return null;
    }

    /// <summary>The same policy with lower ceilings. A ceiling that is lower already stays, and none goes below what a limit must be at least.</summary>
    internal LimitPolicy Lowered(IEnumerable<KeyValuePair<string, double>> ceilings)
    {
        var lowered = new LimitPolicy { MostOutputs = MostOutputs };
        foreach (var (key, value) in defaults) lowered.defaults[key] = value;
        foreach (var (key, value) in most) lowered.most[key] = value;
        foreach (var (key, value) in ceilings)
        {
            var rule = LimitRule.All.First(rule => rule.Key == key);
            var ceiling = Math.Max(rule.IsWhole ? Math.Floor(value) : value, rule.Least);
            lowered.most[key] = Math.Min(ceiling, MostOf(rule));
        }

        return lowered;
    }

    internal double MostOf(LimitRule rule) => most.GetValueOrDefault(rule.Key, rule.Most);

    /// <summary>What a job gets that names nothing: never above a ceiling.</summary>
    internal Limits Default => LimitRule.All.Aggregate(
        Limits.Default,
        (limits, rule) => rule.Key is "stack_bytes" && !defaults.ContainsKey(rule.Key) ? limits : rule.With(limits, Math.Min(defaults.GetValueOrDefault(rule.Key, rule.Get(Limits.Default)), MostOf(rule))));

    internal bool HasDefault(LimitRule rule) => defaults.ContainsKey(rule.Key);
}
