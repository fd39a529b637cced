using System.Security.Cryptography;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>Reads one result. Flags and stages that a newer agent may know are passed over; an outcome must be known.</summary>
internal ref partial struct JobResultDecoder(ReadOnlyMemory<byte> message, FieldPath path)
{
    private const int MaxItems = 100_000;

    private static readonly MapKeys ResultKeys = new(
        ["v", "job_id", "outcome"],
        ["attempt", "agent", "message", "field", "image_digest", "steps", "outputs", "outputs_truncated", "warm", "timings"]);

    private static readonly MapKeys TimingKeys = new(["stage", "us"], []);
    private static readonly MapKeys OutputKeys = new(["path", "status"], ["raw_path", "size_bytes", "truncated", "sha256", "content", "blob"]);

    private WireReader reader = new(message, path);

    public JobResult Read()
    {
        var result = new JobResult("", JobDecoder.DefaultAttempt, "", new RunReport { Outcome = Outcome.InternalError });
        var report = result.Report;
        var map = reader.BeginMap(ResultKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "v": reader.ReadVersion(); break;
                case "job_id": result = result with { JobId = reader.ReadString() }; break;
                case "attempt": result = result with { Attempt = (int)reader.ReadInt64(0, WireFormat.MaxAttempt) }; break;
                case "agent": result = result with { Agent = reader.ReadString() }; break;
                case "outcome": report = report with { Outcome = ReadOutcome() }; break;
                case "message": report = report with { Message = reader.ReadString() }; break;
                case "field": report = report with { Field = reader.ReadString() }; break;
                case "image_digest": report = report with { ImageDigest = reader.ReadString() }; break;
                case "steps": report = report with { Steps = ReadSteps() }; break;
                case "outputs": report = report with { Outputs = ReadOutputs() }; break;
                case "outputs_truncated": report = report with { OutputsTruncated = reader.ReadBool() }; break;
                case "warm": report = report with { Warm = reader.ReadBool() }; break;
                case "timings": report = report with { Timings = ReadTimings() }; break;
            }
        }

        reader.Require(reader.IsAtEnd, "Bytes follow the end of the result.");
        return result with { Report = report };
    }

    private Outcome ReadOutcome()
    {
        var name = reader.ReadString();
        return Names<Outcome>.Find(name) ?? throw reader.Failure($"{Escaped.Quote(name)} is no outcome.");
    }

    private List<OutputFile> ReadOutputs()
    {
        var outputs = new List<OutputFile>();
        var count = reader.BeginArray(0, MaxItems);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            outputs.Add(ReadOutput());
            reader.Leave();
        }

        return outputs;
    }

    private OutputFile ReadOutput()
    {
        var output = new OutputFile("", OutputStatus.Missing, 0, default);
        var map = reader.BeginMap(OutputKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "path": output = output with { Path = reader.ReadString() }; break;
                case "status": output = output with { Status = ReadStatus() }; break;
                case "size_bytes": output = output with { Size = ReadCount() }; break;
                case "raw_path": output = output with { RawPath = reader.ReadBinary() }; break;
                case "truncated": output = output with { Truncated = reader.ReadBool() }; break;
                case "sha256": output = output with { Sha256 = ReadSha256() }; break;
                case "content": output = output with { Content = reader.ReadBinary() }; break;
                case "blob": output = output with { Blob = ReadBlob() }; break;
            }
        }

        return output;
    }

    private ReadOnlyMemory<byte> ReadSha256()
    {
        var hash = reader.ReadBinary();
        reader.Require(hash.Length is 0 or SHA256.HashSizeInBytes, $"It has {hash.Length} bytes; a SHA-256 has {SHA256.HashSizeInBytes}.");
        return hash;
    }

    private Digest ReadBlob()
    {
        var text = reader.ReadString();
        return Digest.TryParse(text, out var digest) ? digest : throw reader.Failure($"{Escaped.Quote(text)} is no digest of the form sha256:….");
    }

    private OutputStatus ReadStatus()
    {
        var name = reader.ReadString();
        return Names<OutputStatus>.Find(name) ?? throw reader.Failure($"{Escaped.Quote(name)} is no status of an output.");
    }

    private List<StageTiming> ReadTimings()
    {
        var timings = new List<StageTiming>();
        var count = reader.BeginArray(0, MaxItems);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            if (ReadTiming() is { } timing) timings.Add(timing);
            reader.Leave();
        }

        return timings;
    }

    private StageTiming? ReadTiming()
    {
        Stage? stage = null;
        var elapsed = TimeSpan.Zero;
        var map = reader.BeginMap(TimingKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "stage": stage = Names<Stage>.Find(reader.ReadString()); break;
                case "us": elapsed = ReadMicroseconds(); break;
            }
        }

        return stage is { } known ? new StageTiming(known, elapsed) : null;
    }

    private long ReadCount() => reader.ReadInt64(0, long.MaxValue);

    private TimeSpan ReadMicroseconds() => new(reader.ReadInt64(0, long.MaxValue / TimeSpan.TicksPerMicrosecond) * TimeSpan.TicksPerMicrosecond);
}
