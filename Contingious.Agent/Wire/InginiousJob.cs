using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>A job as INGInious posts it: its <c>BackendNewJob</c> or <c>ClientNewJob</c>, read and checked. docs/inginious.md has the fields.</summary>
public sealed record InginiousJob
{
    /// <summary>INGInious's own name for it, whatever characters it has.</summary>
    public required string JobId { get; init; }

    /// <summary>Nothing for a job without a task.</summary>
    public string? CourseId { get; init; }

    public string? TaskId { get; init; }

    /// <summary>The kind of environment, such as <c>docker</c>.</summary>
    public required string EnvironmentType { get; init; }

    /// <summary>The environment's name, such as <c>default</c>.</summary>
    public required string Environment { get; init; }

    public InginiousParameters Parameters { get; init; } = new();

    public InginiousDebug Debug { get; init; }

    /// <summary><c>inputdata</c> as JSON: what is a file in it names one of <see cref="Files"/>.</summary>
    public required ReadOnlyMemory<byte> InputJson { get; init; }

    /// <summary>The files of <c>inputdata</c>, by their absolute paths in the container.</summary>
    public IReadOnlyList<InputFile> Files { get; init; } = [];

    /// <summary><c>inputdata["@state"]</c>: kept where the grader says nothing of a state.</summary>
    public string State { get; init; } = "";
}

/// <summary><c>environment_parameters</c>, in INGInious's own units.</summary>
public sealed record InginiousParameters
{
    /// <summary><c>limits.time</c>: seconds of CPU time.</summary>
    public long Time { get; init; } = 30;

    /// <summary><c>limits.hard_time</c>: seconds of wall time; 0 where it is absent, for three times <see cref="Time"/>.</summary>
    public long HardTime { get; init; }

    /// <summary><c>limits.memory</c>: MiB.</summary>
    public long Memory { get; init; } = 200;

    /// <summary><c>limits.disk</c>: MiB, where it is given.</summary>
    public long? Disk { get; init; }

    public bool NetworkGrading { get; init; }

    /// <summary>Words separated by single blanks, as INGInious splits them.</summary>
    public string? RunCommand { get; init; }
}

public enum InginiousDebug
{
    Off,

    /// <summary>The result has the grader's own output.</summary>
    On,

    /// <summary>Somebody wants to log in.</summary>
    Ssh,
}
