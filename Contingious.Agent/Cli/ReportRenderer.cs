using System.CommandLine;
using System.Text;
using System.Text.Json;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary>Shows what became of a program: its own output as it is, or all of the report as JSON.</summary>
internal static class ReportRenderer
{
    public static Option<bool> JsonOption() => new("--json") { Description = "print everything as JSON" };

    public static async Task RenderAsync(RunReport report, bool json)
    {
        if (json)
        {
            await Console.Out.WriteLineAsync(ToJson(report)).ConfigureAwait(false);
            return;
        }

        foreach (var step in report.Steps)
        {
            await WriteAsync(Console.OpenStandardOutput(), step.Stdout).ConfigureAwait(false);
            await WriteAsync(Console.OpenStandardError(), step.Stderr).ConfigureAwait(false);
        }

        if (report.Outcome is not (Outcome.Ok or Outcome.NonZeroExit) || report.Field.Length > 0)
        {
            var field = report.Field.Length > 0 ? $" ({report.Field})" : "";
            await Console.Error.WriteLineAsync($"contingious: {report.Outcome}{field}: {report.Message}").ConfigureAwait(false);
        }

        if (report.OutputsTruncated) await Console.Error.WriteLineAsync("contingious: a limit on outputs was reached: not all of them are here, or not whole").ConfigureAwait(false);
        await new OutputFolder(Environment.CurrentDirectory).SaveAsync(report.Outputs, Console.Error).ConfigureAwait(false);
    }

    /// <summary>The report as JSON with the names of docs/wire.md; bytes as UTF-8 text, what is not UTF-8 replaced; hashes and raw names in hexadecimal.</summary>
    public static string ToJson(RunReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("outcome", report.Outcome.ToString());
            json.WriteString("blame", report.Outcome.Blame().ToString());
            json.WriteString("message", report.Message);
            json.WriteString("field", report.Field);
            json.WriteString("image_digest", report.ImageDigest);
            json.WriteStartArray("steps");
            foreach (var step in report.Steps) WriteStep(json, step);
            json.WriteEndArray();
            json.WriteStartArray("outputs");
            foreach (var output in report.Outputs)
            {
                json.WriteStartObject();
                json.WriteString("path", output.Path);
                if (!output.RawPath.IsEmpty) json.WriteString("raw_path", Convert.ToHexStringLower(output.RawPath.Span));
                json.WriteString("status", output.Status.ToString());
                json.WriteNumber("size_bytes", output.Size);
                json.WriteBoolean("truncated", output.Truncated);
                if (output.Blob is { } blob) json.WriteString("blob", blob.ToString());
                json.WriteString("sha256", Convert.ToHexStringLower(output.Sha256.Span));
                json.WriteString("content", Encoding.UTF8.GetString(output.Content.Span));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("outputs_truncated", report.OutputsTruncated);
            json.WriteBoolean("warm", report.Warm);
            json.WriteStartArray("timings");
            foreach (var timing in report.Timings)
            {
                json.WriteStartObject();
                json.WriteString("stage", timing.Stage.ToString());
                json.WriteNumber("us", (long)timing.Elapsed.TotalMicroseconds);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void WriteStep(Utf8JsonWriter json, StepReport step)
    {
        json.WriteStartObject();
        json.WriteString("name", step.Name);
        json.WriteString("outcome", step.Outcome.ToString());
        json.WriteString("message", step.Message);
        json.WriteString("field", step.Field);
        WriteNumber(json, "exit_code", step.ExitCode);
        WriteNumber(json, "signal", step.Signal);
        json.WriteString("stdout", Encoding.UTF8.GetString(step.Stdout.Span));
        json.WriteString("stderr", Encoding.UTF8.GetString(step.Stderr.Span));
        json.WriteNumber("stdout_bytes", step.Usage.StdoutBytes);
        json.WriteNumber("stderr_bytes", step.Usage.StderrBytes);
        json.WriteNumber("wall_time_us", (long)step.Usage.WallTime.TotalMicroseconds);
        json.WriteNumber("cpu_time_us", (long)step.Usage.CpuTime.TotalMicroseconds);
        json.WriteNumber("peak_memory_bytes", step.Usage.PeakMemory.Bytes);
        json.WriteNumber("peak_processes", step.Usage.PeakProcesses);
        json.WriteNumber("disk_written_bytes", step.Usage.DiskWritten.Bytes);
        if (step.Usage.Stalled is { } stalled)
        {
            json.WriteNumber("stalled_cpu_us", (long)stalled.Cpu.TotalMicroseconds);
            json.WriteNumber("stalled_memory_us", (long)stalled.Memory.TotalMicroseconds);
            json.WriteNumber("stalled_io_us", (long)stalled.Io.TotalMicroseconds);
        }

        json.WriteStartArray("flags");
        foreach (var flag in Enum.GetValues<EvidenceFlags>())
        {
            if (flag != EvidenceFlags.None && step.Evidence.Flags.HasFlag(flag)) json.WriteStringValue(flag.ToString());
        }

        json.WriteEndArray();
        json.WriteNumber("oom_kills", step.Evidence.OomKills);
        json.WriteNumber("forks_refused", step.Evidence.ForksRefused);
        json.WriteNumber("disk_used_bytes", step.Evidence.DiskUsedBytes);
        json.WriteString("disk_backend", WireNames<DiskBackend>.Of(step.Evidence.DiskBackend));
        json.WriteNumber("memory_in_files_bytes", step.Evidence.MemoryInFilesBytes);
        if (step.Evidence.StoppedFor is { } stopped) json.WriteString("stopped_for", stopped.ToString());
        else json.WriteNull("stopped_for");
        json.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, int? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }

    private static async Task WriteAsync(Stream stream, ReadOnlyMemory<byte> bytes)
    {
        await using (stream.ConfigureAwait(false)) await stream.WriteAsync(bytes).ConfigureAwait(false);
    }
}
