using System.Diagnostics;
using System.Diagnostics.Metrics;
using Contingious.Engine.Model;

namespace Contingious.Engine;

/// <summary>
/// What the engine tells whoever listens: a span for each <see cref="Stage"/>, and counts of what no report says.
/// Where nobody listens nothing is made and nothing is allocated. Names and units are in docs/operating.md.
/// </summary>
public static class Telemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "Contingious.Engine";

    /// <summary>Tag of a stage's span: the sandbox's name.</summary>
    public const string SandboxTag = "contingious.sandbox.id";

    /// <summary>Tag of a stage's span: the step's name, where the stage is a step's.</summary>
    public const string StepTag = "contingious.step";

    /// <summary>Tag of a span: an <see cref="Outcome"/>.</summary>
    public const string OutcomeTag = "contingious.outcome";

    /// <summary>Tag of the sandboxes that jobs ran in: whether they had been made ahead.</summary>
    public const string WarmTag = "contingious.warm";

    private static readonly ActivitySource source = new(Name);
    private static readonly Meter meter = new(Name);
    private static readonly Counter<long> cloned = meter.CreateCounter<long>("contingious.sandbox.cloned", "By", "Bytes of editable rootfs that were copied for sandboxes.");
    private static readonly Counter<long> swept = meter.CreateCounter<long>("contingious.sandbox.swept", "{sandbox}", "Sandboxes of killed processes that were given back.");

    private static readonly Counter<long> taken = meter.CreateCounter<long>("contingious.sandbox.taken", "{sandbox}", "Sandboxes that jobs ran in.");
    private static readonly UpDownCounter<long> parked = meter.CreateUpDownCounter<long>("contingious.sandbox.parked", "{sandbox}", "Sandboxes that wait for jobs.");

    /// <summary>Begins the span of a stage, below the current one.</summary>
    /// <returns>Nothing where nobody listens.</returns>
    internal static Activity? StartStage(Stage stage, string sandbox, string? step)
    {
        if (!source.HasListeners() || source.StartActivity(stage.ToString()) is not { } span) return null;
        span.SetTag(SandboxTag, sandbox);
        if (step is not null) span.SetTag(StepTag, step);
        return span;
    }

    /// <summary>A rootfs was copied.</summary>
    internal static void Cloned(long bytes) => cloned.Add(bytes);

    /// <summary>A job has its sandbox.</summary>
    /// <param name="warm">It had been made ahead.</param>
    internal static void Taken(bool warm) => taken.Add(1, new KeyValuePair<string, object?>(WarmTag, warm));

    /// <summary>More sandboxes wait for jobs, or less.</summary>
    internal static void Parked(int change) => parked.Add(change);

    /// <summary>What a killed process left was given back.</summary>
    internal static void Swept(int sandboxes)
    {
        if (sandboxes > 0) swept.Add(sandboxes);
    }
}
