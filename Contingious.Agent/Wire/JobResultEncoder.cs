using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

internal static class JobResultEncoder
{
    public static void Write(MessagePackWriter writer, JobResult result)
    {
        var report = result.Report;
        writer.WriteMapHeader(14);
        WriteInteger(writer, "v", WireFormat.Version);
        WriteText(writer, "job_id", result.JobId);
        WriteInteger(writer, "attempt", result.Attempt);
        WriteText(writer, "agent", result.Agent);
        WriteText(writer, "outcome", report.Outcome.ToString());
        WriteText(writer, "blame", report.Outcome.Blame().ToString());
        WriteText(writer, "message", report.Message);
        WriteText(writer, "field", report.Field);
        WriteText(writer, "image_digest", report.ImageDigest);
        writer.WriteString("steps");
        writer.WriteArrayHeader(report.Steps.Count);
        foreach (var step in report.Steps) WriteStep(writer, step);
        writer.WriteString("outputs");
        writer.WriteArrayHeader(report.Outputs.Count);
        foreach (var output in report.Outputs) WriteOutput(writer, output);
        writer.WriteString("outputs_truncated");
        writer.WriteBool(report.OutputsTruncated);
        writer.WriteString("warm");
        writer.WriteBool(report.Warm);
        writer.WriteString("timings");
        writer.WriteArrayHeader(report.Timings.Count);
        foreach (var (stage, elapsed) in report.Timings)
        {
            writer.WriteMapHeader(2);
            WriteText(writer, "stage", stage.ToString());
            WriteInteger(writer, "us", Microseconds(elapsed));
        }
    }

    private static void WriteStep(MessagePackWriter writer, StepReport step)
    {
        writer.WriteMapHeader(22 + (step.Usage.Stalled is null ? 0 : 3));
        WriteText(writer, "name", step.Name);
        WriteText(writer, "outcome", step.Outcome.ToString());
        WriteText(writer, "message", step.Message);
        WriteText(writer, "field", step.Field);
        WriteInteger(writer, "exit_code", step.ExitCode);
        WriteInteger(writer, "signal", step.Signal);
        WriteBinary(writer, "stdout", step.Stdout);
        WriteBinary(writer, "stderr", step.Stderr);
        WriteInteger(writer, "stdout_bytes", step.Usage.StdoutBytes);
        WriteInteger(writer, "stderr_bytes", step.Usage.StderrBytes);
        WriteInteger(writer, "wall_time_us", Microseconds(step.Usage.WallTime));
        WriteInteger(writer, "cpu_time_us", Microseconds(step.Usage.CpuTime));
        WriteInteger(writer, "peak_memory_bytes", step.Usage.PeakMemory.Bytes);
        WriteInteger(writer, "peak_processes", step.Usage.PeakProcesses);
        WriteInteger(writer, "disk_written_bytes", step.Usage.DiskWritten.Bytes);
        if (step.Usage.Stalled is { } stalled)
        {
            WriteInteger(writer, "stalled_cpu_us", Microseconds(stalled.Cpu));
            WriteInteger(writer, "stalled_memory_us", Microseconds(stalled.Memory));
            WriteInteger(writer, "stalled_io_us", Microseconds(stalled.Io));
        }

        WriteFlags(writer, step.Evidence.Flags);
        WriteInteger(writer, "oom_kills", step.Evidence.OomKills);
        WriteInteger(writer, "forks_refused", step.Evidence.ForksRefused);
        WriteInteger(writer, "disk_used_bytes", step.Evidence.DiskUsedBytes);
        WriteText(writer, "disk_backend", WireNames<DiskBackend>.Of(step.Evidence.DiskBackend));
        WriteInteger(writer, "memory_in_files_bytes", step.Evidence.MemoryInFilesBytes);
        writer.WriteString("stopped_for");
        if (step.Evidence.StoppedFor is { } outcome) writer.WriteString(outcome.ToString());
        else writer.WriteNil();
    }

    private static void WriteFlags(MessagePackWriter writer, EvidenceFlags flags)
    {
        var names = Names<EvidenceFlags>.All.Where(flag => flag != EvidenceFlags.None && flags.HasFlag(flag)).ToArray();
        writer.WriteString("flags");
        writer.WriteArrayHeader(names.Length);
        foreach (var name in names) writer.WriteString(name.ToString());
    }

    private static void WriteOutput(MessagePackWriter writer, OutputFile output)
    {
        var hasRawPath = !output.RawPath.IsEmpty;
        writer.WriteMapHeader(6 + (hasRawPath ? 1 : 0) + (output.Blob is null ? 0 : 1));
        WriteText(writer, "path", output.Path);
        if (hasRawPath) WriteBinary(writer, "raw_path", output.RawPath);
        WriteText(writer, "status", output.Status.ToString());
        WriteInteger(writer, "size_bytes", output.Size);
        writer.WriteString("truncated");
        writer.WriteBool(output.Truncated);
        WriteBinary(writer, "sha256", output.Sha256);
        WriteBinary(writer, "content", output.Content);
        if (output.Blob is { } blob) WriteText(writer, "blob", blob.ToString());
    }

    private static long Microseconds(TimeSpan time) => time.Ticks / TimeSpan.TicksPerMicrosecond;

    private static void WriteText(MessagePackWriter writer, string key, string text)
    {
        writer.WriteString(key);
        writer.WriteString(text);
    }

    private static void WriteInteger(MessagePackWriter writer, string key, long? value)
    {
        writer.WriteString(key);
        if (value is { } given) writer.WriteInteger(given);
        else writer.WriteNil();
    }

    private static void WriteBinary(MessagePackWriter writer, string key, ReadOnlyMemory<byte> bytes)
    {
        writer.WriteString(key);
        writer.WriteBinary(bytes.Span);
    }
}
