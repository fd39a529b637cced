namespace Contingious.Engine.Model;

/// <summary>Everything needed to run one job in one sandbox.</summary>
public sealed record RunRequest
{
    /// <summary>Names the sandbox, its cgroup and its directories; unique among the live ones of this account.</summary>
    public required SandboxId Id { get; init; }

    /// <summary>An image's name, <c>name:tag</c>, or <c>sha256:…</c> digest, as imported here.</summary>
    public required string Image { get; init; }

    /// <summary>The commands, run one after another over the same clone; the first one that is not <see cref="Outcome.Ok"/> ends the job.</summary>
    public required IReadOnlyList<StepRequest> Steps { get; init; }

    /// <summary>Files put in place before the first step.</summary>
    public IReadOnlyList<InputFile> Files { get; init; } = [];

    /// <summary>Globs of files to return at the end, relative to the working directory or absolute.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];

    /// <summary>The disk limits of the whole job come from here; the steps have their own for the rest.</summary>
    public Limits Limits { get; init; } = Limits.Default;
}

/// <summary>One command of a job.</summary>
public sealed record StepRequest
{
    public string Name { get; init; } = "";

    /// <summary>The program and its arguments, never a shell string; empty means the image's entrypoint and command.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>Added to the image's environment; nothing is inherited from the agent.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

    /// <summary>Absolute; the image's working directory where absent.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary><c>name</c>, <c>uid</c> or <c>uid:gid</c> inside the container; the image's user where absent.</summary>
    public string? User { get; init; }

    public ReadOnlyMemory<byte> Stdin { get; init; }

    /// <summary>Files put in place before this step; they replace what an earlier step left there.</summary>
    public IReadOnlyList<InputFile> Files { get; init; } = [];

    public Limits Limits { get; init; } = Limits.Default;
}

/// <summary>A file to put into the clone.</summary>
/// <param name="Path">Relative to the working directory, or absolute inside the rootfs; never through <c>..</c>.</param>
/// <param name="Content">The bytes.</param>
/// <param name="Executable">Whether the job's user may execute it.</param>
public sealed record InputFile(string Path, ReadOnlyMemory<byte> Content, bool Executable = false);
