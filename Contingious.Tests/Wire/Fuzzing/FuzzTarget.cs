using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>Something that reads messages of strangers: a line here is all that a new one needs.</summary>
/// <param name="Name">For who reads of a failing case.</param>
/// <param name="Seeds">Right messages, each of at least one value.</param>
/// <param name="Decode">Reads one: it may throw <see cref="WireException"/> and nothing else.</param>
internal sealed record FuzzTarget(string Name, IReadOnlyList<byte[]> Seeds, Action<ReadOnlyMemory<byte>> Decode)
{
    /// <summary>Bytes that may be allocated whatever the message: the exceptions, their stack traces, the first use of a part.</summary>
    public long MostAllocated { get; init; } = 192 << 10;

    /// <summary>And for each byte of the message.</summary>
    public long Factor { get; init; } = WireFormat.AllocationFactor;

    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new("job", [FuzzSeeds.Job, JobCodec.Encode(Samples.FullJob).ToArray(), Pack.Value(Samples.SmallJob)], bytes => JobCodec.Decode(bytes)),
        // Deflate makes at most 1,032 bytes of one, and what comes out is looked at as a tar archive.
        new("job with archives", [FuzzSeeds.ArchiveJob(packed: false), FuzzSeeds.ArchiveJob(packed: true)], bytes => JobCodec.Decode(bytes)) { Factor = 2_200 },
        new("result", [JobResultCodec.Encode(Samples.FullResult).ToArray(), JobResultCodec.Encode(FuzzSeeds.Result).ToArray()], bytes => JobResultCodec.Decode(bytes)),
        new("INGInious job", [FuzzSeeds.InginiousJob("BackendNewJob"), FuzzSeeds.InginiousJob("ClientNewJob")], bytes => InginiousJobCodec.Decode(bytes)),
        new("events", [JobEventCodec.Encode(FuzzSeeds.Events).ToArray()], bytes => JobEventCodec.Decode(bytes)),
        new("control message", [FuzzSeeds.Cancel(7), FuzzSeeds.Cancel(null), ControlMessageCodec.Encode(new ControlMessage(ControlKind.Report)).ToArray()], bytes => ControlMessageCodec.Decode(bytes)),
        new("agent's status", [AgentStatusCodec.Encode(AgentStatusCodecTests.Sample()).ToArray()], bytes => AgentStatusCodec.Decode(bytes)),
        new("any value", [FuzzSeeds.Anything, FuzzSeeds.Job], SkipAll),
    ];

    private static void SkipAll(ReadOnlyMemory<byte> bytes)
    {
        var reader = new MessagePackReader(bytes.Span);
        while (!reader.IsAtEnd) reader.Skip();
    }
}
