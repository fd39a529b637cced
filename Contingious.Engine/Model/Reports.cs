namespace Contingious.Engine.Model;

/// <summary>What became of a <see cref="RunRequest"/>.</summary>
public sealed record RunReport
{
    public required Outcome Outcome { get; init; }

    /// <summary>For people: what happened and, where somebody can mend it, how. Empty for <see cref="Outcome.Ok"/>.</summary>
    public string Message { get; init; } = "";

    /// <summary>The part of the request that the message is about, such as <c>steps[0].args[0]</c>; empty where none is.</summary>
    public string Field { get; init; } = "";

    /// <summary>Digest of the image's manifest, empty where no image was leased.</summary>
    public string ImageDigest { get; init; } = "";

    /// <summary>One report for each step whose turn came, in order; <see cref="StepRequest.When"/> leaves some out.</summary>
    public IReadOnlyList<StepReport> Steps { get; init; } = [];

    public IReadOnlyList<OutputFile> Outputs { get; init; } = [];

    /// <summary>
    /// Whether a cap of <see cref="OutputLimits"/> was reached: files are missing from <see cref="Outputs"/>, shortened, or
    /// without their content. A glob that was not looked for to its end is not said to be <see cref="OutputStatus.Missing"/>.
    /// </summary>
    public bool OutputsTruncated { get; init; }

    /// <summary>Whether the sandbox had been made ahead of the job.</summary>
    public bool Warm { get; init; }

    /// <summary>How long each stage took, in the order in which they ended; per-step stages once for each step.</summary>
    public IReadOnlyList<StageTiming> Timings { get; init; } = [];

    public static RunReport Rejected(string field, string message) =>
        new() { Outcome = Outcome.RejectedSpec, Field = field, Message = message };
}

public sealed record StepReport
{
    public string Name { get; init; } = "";

    public required Outcome Outcome { get; init; }

    public string Message { get; init; } = "";

    /// <summary>The part of the request that the message is about, such as <c>steps[0].args[0]</c>; empty where none is.</summary>
    public string Field { get; init; } = "";

    /// <summary>The exit code, where the step's program exited.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The signal's number, where a signal ended the step's program.</summary>
    public int? Signal { get; init; }

    public ReadOnlyMemory<byte> Stdout { get; init; }

    public ReadOnlyMemory<byte> Stderr { get; init; }

    public Usage Usage { get; init; } = new();

    public Evidence Evidence { get; init; } = new();
}

/// <summary>How long one <see cref="Engine.Stage"/> took.</summary>
public sealed record StageTiming(Stage Stage, TimeSpan Elapsed);
