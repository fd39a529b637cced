using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>Reads one job. Limits are settled last: the job's may come after its steps.</summary>
internal ref partial struct JobDecoder(ReadOnlyMemory<byte> message, FieldPath path, LimitPolicy policy)
{
    public const int DefaultAttempt = 1;

    // The end of the year 9999.
    private const long LatestMilliseconds = 253_402_300_799_999;

    private static readonly MapKeys JobKeys = new(["v", "job_id", "image", "steps"], ["attempt", "files", "archives", "outputs", "output_limits", "limits", "root", "network", "mounts", "start_before_ms"]);

    private static readonly MapKeys MountKeys = new(["source", "target"], ["writable"]);

    private readonly InputArchive inputArchive = new();
    private WireReader reader = new(message, path);
    private long fileBytes;

    public Job Read()
    {
        var jobId = "";
        var image = "";
        var attempt = DefaultAttempt;
        var steps = new List<(StepRequest Step, GivenLimits? Limits)>();
        var files = new List<InputFile>();
        var unpacked = new List<InputFile>();
        var outputs = new List<string>();
        var outputLimits = OutputLimits.Default;
        var limits = new GivenLimits();
        var root = false;
        var network = NetworkMode.None;
        var mounts = new List<HostMount>();
        DateTimeOffset? startBefore = null;

        var map = reader.BeginMap(JobKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "v": reader.ReadVersion(); break;
                case "job_id": jobId = ReadText(FieldRules.JobId); break;
                case "attempt": attempt = (int)reader.ReadInt64(0, WireFormat.MaxAttempt); break;
                case "image": image = ReadText(FieldRules.Image); break;
                case "steps": ReadSteps(steps); break;
                case "files": files = ReadFiles(); break;
                case "archives": ReadArchives(unpacked); break;
                case "outputs": ReadOutputs(outputs); break;
                case "output_limits": outputLimits = ReadOutputLimits(); break;
                case "limits": limits = GivenLimits.Read(ref reader, policy); break;
                case "root": root = reader.ReadBool(); break;
                case "network": network = ReadName<NetworkMode>(); break;
                case "mounts": ReadMounts(mounts); break;
                case "start_before_ms": startBefore = DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadInt64(0, LatestMilliseconds)); break;
            }
        }

        reader.Require(reader.IsAtEnd, "Bytes follow the end of the job.");
        var jobLimits = limits.ForJob(policy);
        return new Job(jobId, attempt, new RunRequest
        {
            Id = SandboxId.For(jobId, attempt),
            Image = image,
            Steps = SettleLimits(steps, jobLimits),
            // A file of its own replaces one of the same name from an archive.
            Files = [.. unpacked, .. files],
            Outputs = outputs,
            OutputLimits = outputLimits,
            Limits = jobLimits,
            Root = root,
            Network = network,
            Mounts = mounts,
        })
        {
            StartBefore = startBefore,
        };
    }

    private string ReadText(Func<string, string?> rule)
    {
        var text = reader.ReadString(WireFormat.MaxText);
        reader.Refuse(rule(text));
        return text;
    }

    /// <summary>What the kernel takes as bytes: text, or bytes that need not be UTF-8.</summary>
    private string ReadNative(Func<string, string?> rule)
    {
        if (reader.PeekKind() != MessagePackKind.Binary) return ReadText(rule);
        var bytes = reader.ReadBinary();
        reader.Require(bytes.Length <= WireFormat.MaxText, $"It has {bytes.Length:N0} bytes; {WireFormat.MaxText:N0} are allowed.");
        var text = NativeText.Of(bytes.Span);
        reader.Refuse(rule(text));
        return text;
    }

    /// <summary>A word of an enum, as the wire writes it.</summary>
    private T ReadName<T>()
        where T : struct, Enum
    {
        var text = reader.ReadString(WireFormat.MaxText);
        return WireNames<T>.Find(text) ?? throw reader.Failure($"It is {Escaped.Quote(text)}; there are: {string.Join(", ", WireNames<T>.All)}.");
    }

    private void ReadMounts(List<HostMount> mounts)
    {
        var count = reader.BeginArray(0, WireFormat.MaxMounts);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            mounts.Add(ReadMount());
            reader.Leave();
        }
    }

    private HostMount ReadMount()
    {
        var mount = new HostMount("", "");
        var map = reader.BeginMap(MountKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "source": mount = mount with { Source = ReadText(FieldRules.MountPath) }; break;
                case "target": mount = mount with { Target = ReadText(FieldRules.MountPath) }; break;
                case "writable": mount = mount with { Writable = reader.ReadBool() }; break;
            }
        }

        return mount;
    }

    private List<StepRequest> SettleLimits(List<(StepRequest Step, GivenLimits? Limits)> steps, Limits job)
    {
        var settled = new List<StepRequest>(steps.Count);
        reader.EnterKey("steps");
        for (var i = 0; i < steps.Count; i++)
        {
            reader.EnterItem(i);
            reader.EnterKey("limits");
            settled.Add(steps[i].Step with { Limits = steps[i].Limits?.ForStep(job, ref reader) ?? job });
            reader.Leave();
            reader.Leave();
        }

        reader.Leave();
        return settled;
    }
}
