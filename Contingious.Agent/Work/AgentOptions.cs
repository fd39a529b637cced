using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>How an agent works.</summary>
public sealed record AgentOptions
{
    /// <summary>Said in every result.</summary>
    public string Name { get; init; } = Environment.MachineName;

    /// <summary>Jobs at once, 1 to 64.</summary>
    public int Slots { get; init; } = Environment.ProcessorCount;

    /// <summary>How long a stop waits for running jobs. Those that are not done by then are delivered to another agent.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>Defaults and ceilings of jobs' limits.</summary>
    public LimitPolicy Limits { get; init; } = LimitPolicy.Documented;

    /// <summary>What jobs may use of this host at once; how many they are is said by <see cref="Slots"/>.</summary>
    public Capacity Capacity { get; init; } = Capacity.OfThisHost();

    internal Capacity Total => Capacity with { Slots = Slots };

    /// <summary>How each class is treated; every class is there.</summary>
    public IReadOnlyDictionary<JobClass, ClassOptions> Classes { get; init; } = ClassOptions.Documented;

    /// <summary>How often a job is tried whose agent or runner failed: then it is answered with <see cref="Outcome.InternalError"/>.</summary>
    public int Tries { get; init; } = 3;

    /// <summary>
    /// A job that was given back so often and of which nobody knows anything is not tried again. More than <see cref="Tries"/>, because jobs are also given back
    /// by agents that are stopped or have no room for them, and fewer than the broker's own limit, after which nobody would be told.
    /// </summary>
    public const int MostGivenBack = 8;

    /// <summary>The image of the agent's test of itself; nothing: one that worked last, else the first.</summary>
    public string? SelfTestImage { get; init; }

    /// <summary>How long a result that the broker refuses is published again, with growing pauses, before its job goes to the dead letters.</summary>
    internal TimeSpan RefusedPatience { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How often the agent says how it is.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Called with each heartbeat: what is to see that the agent's loop turns.</summary>
    internal Action Turned { get; init; } = () => { };

    /// <summary>
    /// What jobs of a class may ask for: <see cref="Limits"/>, and no more than this host has in all nor longer than the class allows,
    /// so that no job is taken that can never run. Whoever decodes a job uses these, or it means something else to them.
    /// </summary>
    public LimitPolicy LimitsOf(JobClass ofClass) => Limits.Lowered(
    [
        new("cpus", Capacity.Cpus),
        new("memory_bytes", Capacity.Memory.Bytes),
        new("disk_bytes", Capacity.Disk.Bytes),
        new("wall_time_ms", Classes[ofClass].MaxWall.TotalMilliseconds),
    ]);
}

/// <summary>How jobs of a class are treated.</summary>
/// <param name="Weight">Of the jobs that are taken while all classes have some, this class's share; at least 1.</param>
/// <param name="MaxWall">No job of the class may name a longer wall time.</param>
public sealed record ClassOptions(int Weight, TimeSpan MaxWall)
{
    public static IReadOnlyDictionary<JobClass, ClassOptions> Documented { get; } = new Dictionary<JobClass, ClassOptions>
    {
        [JobClass.Exam] = new(16, TimeSpan.FromMinutes(5)),
        [JobClass.Interactive] = new(8, TimeSpan.FromMinutes(5)),
        [JobClass.Batch] = new(2, TimeSpan.FromMinutes(20)),
        [JobClass.Replay] = new(1, TimeSpan.FromMinutes(20)),
    };
}
