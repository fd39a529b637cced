using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>What an agent's operator decides about limits: what a job gets that names none, and the most that it may name.</summary>
public sealed class LimitPolicy
{
    private readonly Dictionary<string, double> defaults = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> most = new(StringComparer.Ordinal);

    /// <summary>The defaults and ranges of docs/wire.md.</summary>
    public static LimitPolicy Documented { get; } = new();

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

    internal double MostOf(LimitRule rule) => most.GetValueOrDefault(rule.Key, rule.Most);

    /// <summary>What a job gets that names nothing: never above a ceiling.</summary>
    internal Limits Default => LimitRule.All.Aggregate(
        Limits.Default,
        (limits, rule) => rule.Key is "stack_bytes" && !defaults.ContainsKey(rule.Key) ? limits : rule.With(limits, Math.Min(defaults.GetValueOrDefault(rule.Key, rule.Get(Limits.Default)), MostOf(rule))));

    internal bool HasDefault(LimitRule rule) => defaults.ContainsKey(rule.Key);
}
