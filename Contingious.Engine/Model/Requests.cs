namespace Contingious.Engine.Model;

/// <summary>Everything needed to run one job in one sandbox.</summary>
public sealed record RunRequest
{
    /// <summary>Names the sandbox, its cgroup and its directories; unique among the live ones of this account.</summary>
    public required SandboxId Id { get; init; }

    /// <summary>An image's name, <c>name:tag</c>, or <c>sha256:…</c> digest, as imported here.</summary>
    public required string Image { get; init; }

    /// <summary>The commands, run one after another. Each is run or left out as <see cref="StepRequest.When"/> says.</summary>
    public required IReadOnlyList<StepRequest> Steps { get; init; }

    /// <summary>Files put in place before the first step, in its rootfs or below <c>/io</c>.</summary>
    public IReadOnlyList<InputFile> Files { get; init; } = [];

    /// <summary>Globs of files to return at the end, as the last step that ran saw them: relative to its working directory, or absolute.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];

    public OutputLimits OutputLimits { get; init; } = OutputLimits.Default;

    /// <summary>What all steps, and whoever runs further commands in the sandbox, may use together.</summary>
    public Limits Limits { get; init; } = Limits.Default;

    /// <summary>Whether steps may be root in their containers.</summary>
    public bool Root { get; init; }

    public NetworkMode Network { get; init; }

    /// <summary>Directories of the host, each within what <see cref="EngineOptions.Mounts"/> allows.</summary>
    public IReadOnlyList<HostMount> Mounts { get; init; } = [];
}

/// <summary>What a sandbox's containers reach.</summary>
public enum NetworkMode
{
    /// <summary>A loopback interface of their own.</summary>
    None,

    /// <summary>The internet too, by slirp4netns(1); the host's own loopback is out of reach.</summary>
    Internet,
}

/// <summary>When a step is run.</summary>
public enum StepCondition
{
    /// <summary>No step before it failed.</summary>
    OnSuccess,

    /// <summary>A step before it failed.</summary>
    OnFailure,

    /// <summary>In any case, unless the job was cancelled.</summary>
    Always,
}

/// <summary>A directory of the host that the job's containers see.</summary>
/// <param name="Source">Absolute path on the host.</param>
/// <param name="Target">Absolute path in the containers.</param>
/// <param name="Writable">Whether they may write to it, as far as the host's own permissions go.</param>
public sealed record HostMount(string Source, string Target, bool Writable = false);

/// <summary>One command of a job.</summary>
public sealed record StepRequest
{
    public string Name { get; init; } = "";

    /// <summary>The image of the step, where it is not the job's: it then has a rootfs of its own.</summary>
    public string? Image { get; init; }

    public StepCondition When { get; init; }

    /// <summary>Whether the step gets a new clone of its image, in which nothing of an earlier step is but <c>/io</c>.</summary>
    public bool Fresh { get; init; }

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
