using System.Globalization;
using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>What was settled for one step before anything of its job ran.</summary>
internal sealed record StepPlan
{
    public required int Index { get; init; }

    public required StepRequest Step { get; init; }

    public required Image Image { get; init; }

    /// <summary>The rootfs that it runs in: steps of the same image share one, unless they ask for a fresh one.</summary>
    public required string Rootfs { get; init; }

    public required ContainerUser User { get; init; }

    public required string WorkingDirectory { get; init; }

    public string Name => NameOf(Index);

    /// <summary>What a step is called by its place in the job.</summary>
    public static string NameOf(int index) => $"step-{index.ToString(CultureInfo.InvariantCulture)}";

    public IReadOnlyList<string> Args => Step.Args.Count > 0 ? Step.Args : [.. Image.Config.Entrypoint, .. Image.Config.Cmd];

    /// <summary>Whether its turn comes, after what was before it.</summary>
    public bool IsDue(IEnumerable<StepReport> before)
    {
        var outcomes = before.Select(report => report.Outcome).ToList();
        if (outcomes.Contains(Outcome.Cancelled)) return false;
        var failed = outcomes.Any(outcome => outcome != Outcome.Ok);
        return Step.When switch
        {
            StepCondition.OnSuccess => !failed,
            StepCondition.OnFailure => failed,
            StepCondition.Always => true,
            _ => throw new ArgumentOutOfRangeException(nameof(before), Step.When, "Not a condition."),
        };
    }

    /// <exception cref="RejectedRequestException">A step asks for something that is not to be had.</exception>
    public static IReadOnlyList<StepPlan> All(RunRequest request, JobImages images)
    {
        var plans = new List<StepPlan>();
        var roots = new Dictionary<Digest, string>();
        for (var i = 0; i < request.Steps.Count; i++)
        {
            var step = request.Steps[i];
            var image = images.Of(step);
            var own = $"rootfs-{i.ToString(CultureInfo.InvariantCulture)}";
            plans.Add(new StepPlan
            {
                Index = i,
                Step = step,
                Image = image,
                Rootfs = step.Fresh || roots.TryAdd(image.Id, own) ? own : roots[image.Id],
                User = ContainerUser.Resolve(step.User, image, request.Root, $"steps[{i}].user"),
                WorkingDirectory = step.WorkingDirectory ?? image.Config.WorkingDir,
            });
            if (plans[i].Args.Count == 0) throw new RejectedRequestException($"steps[{i}].args", $"The image {step.Image ?? request.Image} names no command of its own: say what to run.");
        }

        return plans;
    }
}

/// <summary>The directory of one step: its config.json, what its container's init needs, and what crun says.</summary>
/// <param name="directory">Where it is.</param>
/// <param name="plan">The step.</param>
/// <param name="env">Its command's environment.</param>
/// <param name="initProgram">The init, on the same file system.</param>
internal sealed class StepBundle(string directory, StepPlan plan, IReadOnlyList<string> env, string initProgram)
{
    public const string SocketName = "agent";
    private const uint WalkOnly = 0x1C9; // 0711: the container's own root walks through here.

    public StepPlan Plan { get; } = plan;

    public string Directory { get; } = directory;

    /// <summary>The containers' init.</summary>
    public string InitProgram { get; } = initProgram;

    /// <summary>What the container sees as <see cref="RuntimeSpec.ToolsMount"/>.</summary>
    public static string ToolsDirectory(string bundle) => $"{bundle}/tools";

    public InitOrder Order => new()
    {
        Uid = Plan.User.Uid,
        Gid = Plan.User.Gid,
        Capabilities = Sandboxes.Capabilities.MaskOf(Capabilities),
        Limits = [.. Rlimit.Of(Plan.Step.Limits).Select(limit => (limit.Number, limit.Value))],
        WorkingDirectory = Plan.WorkingDirectory,
        Args = Plan.Args,
        Env = env,
    };

    private IReadOnlyList<string> Capabilities => Plan.User.Uid == 0 ? Sandboxes.Capabilities.OfRoot : [];

    /// <summary>Writes it all. The init is a link to the one program that the sandboxes of this keeper share, which nobody inside can write.</summary>
    /// <param name="spec">What the container is.</param>
    public void Write(RuntimeSpec spec)
    {
        var tools = ToolsDirectory(Directory);
        System.IO.Directory.CreateDirectory(tools);
        File.SetUnixFileMode(Directory, (UnixFileMode)WalkOnly);
        File.SetUnixFileMode(tools, (UnixFileMode)WalkOnly);
        using (var from = DirectoryHandle.Open(Path.GetDirectoryName(InitProgram) ?? "/"))
        using (var to = DirectoryHandle.Open(tools))
        {
            to.CreateHardLink(from, Encoding.UTF8.GetBytes(Path.GetFileName(InitProgram)), "init"u8);
        }

        spec.Write($"{Directory}/config.json");
    }

    /// <summary>Writes what a further command in the container has: the step's own privileges, limits and environment. Before that, there can be none.</summary>
    public void WriteProcess() => new ProcessSpec(Plan.User, Capabilities, Rlimit.Of(Plan.Step.Limits), env, Plan.WorkingDirectory).Write($"{Directory}/process.json");
}
