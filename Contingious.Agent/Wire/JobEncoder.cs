using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

internal static class JobEncoder
{
    public static void Write(MessagePackWriter writer, Job job)
    {
        var request = job.Request;
        var hasOutputLimits = request.OutputLimits != OutputLimits.Default;
        writer.WriteMapHeader(11 + (hasOutputLimits ? 1 : 0) + (job.StartBefore is null ? 0 : 1));
        writer.WriteString("v");
        writer.WriteInteger(WireFormat.Version);
        writer.WriteString("job_id");
        writer.WriteString(job.JobId);
        writer.WriteString("attempt");
        writer.WriteInteger(job.Attempt);
        writer.WriteString("image");
        writer.WriteString(request.Image);
        writer.WriteString("limits");
        WriteLimits(writer, request.Limits, ofJob: true);
        writer.WriteString("files");
        WriteFiles(writer, request.Files);
        writer.WriteString("outputs");
        WriteTexts(writer, request.Outputs);
        if (hasOutputLimits) WriteOutputLimits(writer, request.OutputLimits);
        if (job.StartBefore is { } startBefore)
        {
            writer.WriteString("start_before_ms");
            writer.WriteInteger(startBefore.ToUnixTimeMilliseconds());
        }

        writer.WriteString("root");
        writer.WriteBool(request.Root);
        WriteText(writer, "network", WireNames<NetworkMode>.Of(request.Network));
        WriteMounts(writer, request.Mounts);
        writer.WriteString("steps");
        writer.WriteArrayHeader(request.Steps.Count);
        foreach (var step in request.Steps) WriteStep(writer, step, request.Limits);
    }

    private static void WriteStep(MessagePackWriter writer, StepRequest step, Limits ofJob)
    {
        var hasName = step.Name.Length > 0;
        var hasLimits = step.Limits != ofJob;
        var optional = (hasName ? 1 : 0) + (hasLimits ? 1 : 0) + (step.WorkingDirectory is null ? 0 : 1) + (step.User is null ? 0 : 1) + (step.Image is null ? 0 : 1);
        writer.WriteMapHeader(6 + optional);
        if (hasName) WriteText(writer, "name", step.Name);
        if (step.WorkingDirectory is { } directory) WriteNative(writer, "cwd", directory);
        if (step.User is { } user) WriteText(writer, "user", user);
        if (step.Image is { } image) WriteText(writer, "image", image);
        WriteText(writer, "when", WireNames<StepCondition>.Of(step.When));
        writer.WriteString("fresh");
        writer.WriteBool(step.Fresh);
        writer.WriteString("args");
        WriteTexts(writer, step.Args);
        writer.WriteString("env");
        writer.WriteMapHeader(step.Env.Count);
        foreach (var (name, value) in step.Env) WriteNative(writer, name, value);
        writer.WriteString("stdin");
        writer.WriteBinary(step.Stdin.Span);
        writer.WriteString("files");
        WriteFiles(writer, step.Files);
        if (!hasLimits) return;
        writer.WriteString("limits");
        WriteLimits(writer, step.Limits, ofJob: false);
    }

    private static void WriteLimits(MessagePackWriter writer, Limits limits, bool ofJob)
    {
        // A stack that nobody named follows the memory.
        var rules = LimitRule.All.Where(rule => (ofJob || !rule.IsOfJob) && (limits.Stack is not null || rule.Key != "stack_bytes")).ToArray();
        writer.WriteMapHeader(rules.Length);
        foreach (var rule in rules)
        {
            writer.WriteString(rule.Key);
            if (rule.IsWhole) writer.WriteInteger((long)rule.Get(limits));
            else writer.WriteFloat(rule.Get(limits));
        }
    }

    private static void WriteOutputLimits(MessagePackWriter writer, OutputLimits limits)
    {
        writer.WriteString("output_limits");
        writer.WriteMapHeader(4);
        writer.WriteString("file_bytes");
        writer.WriteInteger(limits.FileBytes.Bytes);
        writer.WriteString("total_bytes");
        writer.WriteInteger(limits.TotalBytes.Bytes);
        writer.WriteString("files");
        writer.WriteInteger(limits.Files);
        writer.WriteString("depth");
        writer.WriteInteger(limits.Depth);
    }

    private static void WriteMounts(MessagePackWriter writer, IReadOnlyList<HostMount> mounts)
    {
        writer.WriteString("mounts");
        writer.WriteArrayHeader(mounts.Count);
        foreach (var mount in mounts)
        {
            writer.WriteMapHeader(3);
            WriteText(writer, "source", mount.Source);
            WriteText(writer, "target", mount.Target);
            writer.WriteString("writable");
            writer.WriteBool(mount.Writable);
        }
    }

    private static void WriteFiles(MessagePackWriter writer, IReadOnlyList<InputFile> files)
    {
        writer.WriteArrayHeader(files.Count);
        foreach (var file in files)
        {
            writer.WriteMapHeader(3);
            WriteNative(writer, "path", file.Path);
            writer.WriteString("content");
            writer.WriteBinary(file.Content.Span);
            writer.WriteString("executable");
            writer.WriteBool(file.Executable);
        }
    }

    private static void WriteTexts(MessagePackWriter writer, IReadOnlyList<string> texts)
    {
        writer.WriteArrayHeader(texts.Count);
        foreach (var text in texts) WriteNative(writer, text);
    }

    private static void WriteNative(MessagePackWriter writer, string key, string text)
    {
        writer.WriteString(key);
        WriteNative(writer, text);
    }

    private static void WriteNative(MessagePackWriter writer, string text)
    {
        if (NativeText.IsUtf8(text)) writer.WriteString(text);
        else writer.WriteBinary(NativeText.Bytes(text));
    }

    private static void WriteText(MessagePackWriter writer, string key, string text)
    {
        writer.WriteString(key);
        writer.WriteString(text);
    }
}
