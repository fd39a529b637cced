using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>The limits that a message names, as opposed to those that follow from others: the job's may come after its steps.</summary>
internal sealed class GivenLimits
{
    private readonly double?[] values = new double?[LimitRule.All.Count];

    /// <exception cref="WireException">A value is out of its range.</exception>
    public static GivenLimits Read(ref WireReader reader, LimitPolicy policy)
    {
        var given = new GivenLimits();
        var map = reader.BeginMap(LimitRule.Keys);
        while (reader.NextKey(ref map) is { } key)
        {
            var index = IndexOf(key);
            var rule = LimitRule.All[index];
            var most = policy.MostOf(rule);
            var value = rule.IsWhole ? reader.ReadInt64((long)rule.Least, (long)most) : reader.ReadDouble();
            reader.Require(value >= rule.Least && value <= most, $"It is {value:R}; {rule.Least:R} to {most:R} is allowed.");
            given.values[index] = value;
        }

        return given;
    }

    public Limits ForJob(LimitPolicy policy) => Over(policy.Default, policy.MostOf(LimitRule.All[LimitRule.WallTime]));

    /// <summary>What a step does not name it has from its job.</summary>
    /// <exception cref="WireException">A limit is higher than the job's.</exception>
    public Limits ForStep(Limits job, ref WireReader reader)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var rule = LimitRule.All[i];
            if (values[i] is not { } value) continue;
            reader.EnterKey(rule.Key);
            reader.Require(!rule.IsOfJob || value == rule.Get(job), $"It is {value:R}; it counts for the whole job, so it belongs into the job's limits.");
            reader.Require(value <= rule.Get(job), $"It is {value:R}, which is higher than the job's {rule.Get(job):R}.");
            reader.Leave();
        }

        return Over(job, job.WallTime.TotalMilliseconds);
    }

    private static int IndexOf(string key)
    {
        for (var i = 0; i < LimitRule.All.Count; i++)
        {
            if (ReferenceEquals(LimitRule.All[i].Key, key)) return i;
        }

        throw new ArgumentOutOfRangeException(nameof(key), key, "Not a limit.");
    }

    /// <summary>Who names a CPU time and no wall time gets three times the CPU time, up to <paramref name="longestWallMs"/>.</summary>
    private Limits Over(Limits limits, double longestWallMs)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] is { } value) limits = LimitRule.All[i].With(limits, value);
        }

        return values[LimitRule.CpuTime] is { } cpu && values[LimitRule.WallTime] is null
            ? limits with { WallTime = TimeSpan.FromMilliseconds(Math.Min(3 * cpu, longestWallMs)) }
            : limits;
    }
}
