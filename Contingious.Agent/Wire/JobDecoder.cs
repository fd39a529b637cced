using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>Reads one job. Limits are settled last: the job's may come after its steps.</summary>
internal ref partial struct JobDecoder(ReadOnlyMemory<byte> message, FieldPath path)
{
    public const int DefaultAttempt = 1;

    private static readonly MapKeys JobKeys = new(["v", "job_id", "image", "steps"], ["attempt", "files", "archives", "outputs", "limits"]);

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
        var limits = new GivenLimits();

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
                case "limits": limits = GivenLimits.Read(ref reader); break;
            }
        }

        reader.Require(reader.IsAtEnd, "Bytes follow the end of the job.");
        var jobLimits = limits.ForJob();
        return new Job(jobId, attempt, new RunRequest
        {
            Id = SandboxId.For(jobId, attempt),
            Image = image,
            Steps = SettleLimits(steps, jobLimits),
            // A file of its own replaces one of the same name from an archive.
            Files = [.. unpacked, .. files],
            Outputs = outputs,
            Limits = jobLimits,
        });
    }

    private string ReadText(Func<string, string?> rule)
    {
        var text = reader.ReadString();
        reader.Refuse(rule(text));
        return text;
    }

    private void ReadOutputs(List<string> outputs)
    {
        var count = reader.BeginArray(0, WireFormat.MaxOutputs);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            outputs.Add(ReadText(glob => FieldRules.DirectoryPath(glob)));
            reader.Leave();
        }
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
