using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work.Inginious;

/// <summary>
/// Makes a job of ours of an INGInious job: one step that runs the task's grader. What has no counterpart is refused by its name
/// (docs/inginious.md lists it).
/// </summary>
/// <param name="options">What the names in a message mean here.</param>
public sealed class InginiousTranslator(InginiousOptions options)
{
    public const string FeedbackPath = "/.__output/__feedback.json";
    public const string ArchiveDirectory = "/archive";
    private const string InputPath = "/.__input/__inputdata.json";
    private const string TaskDirectory = "/task";

    /// <summary>INGInious's floor.</summary>
    private const long LeastMemory = 20;

    // As the grader's image has them, in that order (inginious_container_api.run_types).
    private static readonly (string Name, string[] Command)[] runFiles = [("run", []), ("run.py", ["python3"]), ("run.py3", ["python3"]), ("run.sh", ["bash"])];

    /// <summary>Translates a job.</summary>
    /// <param name="job">As it came.</param>
    /// <param name="taskFiles">The task's directory, its paths below <c>/task</c>, and the course's common files below <c>/course/common</c>: whoever bridges has them.</param>
    /// <exception cref="RejectedRequestException">It asks for what is not translated, or for more than is allowed.</exception>
    public Job Translate(InginiousJob job, IReadOnlyList<InputFile> taskFiles)
    {
        if (job.Debug == InginiousDebug.Ssh) throw new RejectedRequestException("debug", "Debugging by ssh is not translated: 'contingious exec' opens a shell in a job that runs.");
        var jobId = IdOf(job.JobId);
        return new Job(jobId, JobAttempt, new RunRequest
        {
            Id = SandboxId.For(jobId, JobAttempt),
            Image = ImageOf(job),
            Files = [.. taskFiles, .. job.Files, new InputFile(InputPath, InputData(job))],
            Steps = [new StepRequest { Name = "grade", Args = CommandOf(job, taskFiles), WorkingDirectory = TaskDirectory, User = options.User, Env = new Dictionary<string, string> { ["HOME"] = TaskDirectory }, Limits = LimitsOf(job.Parameters) }],
            Outputs = [FeedbackPath, $"{ArchiveDirectory}/**"],
            Limits = LimitsOf(job.Parameters),
            Network = job.Parameters.NetworkGrading ? NetworkMode.Internet : NetworkMode.None,
        });
    }

    private const int JobAttempt = 1;

    /// <summary>INGInious's id where it is one of ours too; else one that follows from it alone.</summary>
    private static string IdOf(string id) =>
        SandboxId.IsJobId(id) ? id : $"inginious-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))[..32]}";

    private string ImageOf(InginiousJob job)
    {
        var image = options.ImageOf(job.EnvironmentType, job.Environment);
        return image ?? throw new RejectedRequestException("environment", $"There is no environment {job.Environment} of the type {job.EnvironmentType} here.");
    }

    private Limits LimitsOf(InginiousParameters parameters)
    {
        var limits = Limits.Default with
        {
            CpuTime = TimeSpan.FromSeconds(Within("time", parameters.Time, 1, options.MostSeconds)),
            // Nobody asked for three times the time, so it is no reason to refuse a job.
            WallTime = TimeSpan.FromSeconds(parameters.HardTime == 0 ? Math.Min(3 * parameters.Time, options.MostSeconds) : Within("hard_time", parameters.HardTime, 1, options.MostSeconds)),
            Memory = ByteSize.FromMiB(Within("memory", Math.Max(parameters.Memory, LeastMemory), LeastMemory, options.MostMemory.Bytes >> 20)),
            Processes = options.Processes,
        };
        return parameters.Disk is { } disk ? limits with { Disk = ByteSize.FromMiB(Within("disk", disk, 0, options.MostDisk.Bytes >> 20)) } : limits;
    }

    private static long Within(string name, long value, long least, long most) =>
        value >= least && value <= most ? value : throw new RejectedRequestException($"environment_parameters.limits.{name}", $"It is {value}; {least} to {most} is allowed on this agent.");

    private static string[] CommandOf(InginiousJob job, IReadOnlyList<InputFile> taskFiles)
    {
        if (job.Parameters.RunCommand is { Length: > 0 } command) return command.Split(' ');
        var paths = taskFiles.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var directory in (ReadOnlySpan<string>)[TaskDirectory, "/course/common", "/course"])
        {
            foreach (var (name, with) in runFiles)
            {
                if (paths.Contains($"{directory}/{name}")) return [.. with, $"{directory}/{name}"];
            }
        }

        // It may be in the image.
        return [$"{TaskDirectory}/run"];
    }

    /// <summary>What INGInious's own entry point writes there, and its library reads.</summary>
    private static byte[] InputData(InginiousJob job)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", "start");
            json.WritePropertyName("input");
            json.WriteRawValue(job.InputJson.Span, skipInputValidation: true);
            json.WriteBoolean("debug", job.Debug == InginiousDebug.On);
            json.WriteStartObject("envtypes");
            json.WriteBoolean(job.EnvironmentType, true);
            json.WriteEndObject();
            json.WriteString("run_cmd", job.Parameters.RunCommand);
            json.WriteBoolean("run_as_root", false);
            json.WriteBoolean("shared_kernel", true);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }
}

/// <summary>What an operator decides about INGInious's jobs.</summary>
public sealed record InginiousOptions
{
    /// <summary>Our images, by environment type and environment: <c>docker/default</c>.</summary>
    public IReadOnlyDictionary<string, string> Images { get; init; } = new Dictionary<string, string>();

    /// <summary>Whom the grader runs as; INGInious's images have a <c>worker</c> of this number.</summary>
    public string User { get; init; } = "4242:4242";

    /// <summary>INGInious allows its worker 1,000 processes.</summary>
    public int Processes { get; init; } = 1_000;

    /// <summary>Of CPU time and of wall time.</summary>
    public long MostSeconds { get; init; } = 1_200;

    public ByteSize MostMemory { get; init; } = ByteSize.FromGiB(4);

    public ByteSize MostDisk { get; init; } = ByteSize.FromGiB(4);

    internal string? ImageOf(string type, string environment) => Images.GetValueOrDefault($"{type}/{environment}");
}
