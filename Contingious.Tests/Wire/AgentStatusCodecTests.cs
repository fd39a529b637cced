using Contingious.Agent.Wire;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Tests.Wire;

public sealed class AgentStatusCodecTests
{
    [Fact]
    public void A_heartbeat_arrives_as_it_was_sent()
    {
        var sent = Sample();
        var read = AgentStatusCodec.Decode(AgentStatusCodec.Encode(sent));
        Assert.Equivalent(sent, read, strict: true);
    }

    [Fact]
    public void Of_what_is_beyond_the_caps_the_beginning_is_sent()
    {
        var sent = Sample() with
        {
            Reason = new string('é', AgentStatus.MaxText - 1) + "\U0001F600",
            RunningJobs = [.. Enumerable.Range(0, 100).Select(i => $"job-{i}")],
            Images = [.. Enumerable.Range(0, 2_000).Select(i => new StatusImage($"image-{i}", "sha256:0"))],
        };
        var read = AgentStatusCodec.Decode(AgentStatusCodec.Encode(sent));
        Assert.Equal((AgentStatus.MaxText - 1, AgentStatus.MaxJobs, AgentStatus.MaxImages), (read.Reason.Length, read.RunningJobs.Count, read.Images.Count));
    }

    [Fact]
    public void R1_What_is_no_heartbeat_is_refused_whatever_it_is()
    {
        var sample = AgentStatusCodec.Encode(Sample()).ToArray();
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = sample[..random.Next(1, sample.Length + 1)].ToArray();
            for (var flips = random.Next(4); flips > 0; flips--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            try
            {
                _ = AgentStatusCodec.Decode(bytes);
            }
            catch (WireException)
            {
                // The only way that it may fail.
            }
        }

        Assert.Equal("state", Assert.Throws<WireException>(() => AgentStatusCodec.Decode(Pack.Value(Pack.M(("v", 1), ("name", "a"), ("state", "asleep"))))).Field);
        Assert.Throws<WireException>(() => AgentStatusCodec.Decode(new byte[AgentStatusCodec.MaxBytes + 1]));
    }

    /// <summary>With something in every field.</summary>
    internal static AgentStatus Sample() => new()
    {
        Name = "grader-1",
        Host = "host",
        Version = "1.2.3",
        State = AgentState.Quarantined,
        Since = DateTimeOffset.FromUnixTimeMilliseconds(1_000_000_000_001),
        Reason = "three faults",
        Time = DateTimeOffset.FromUnixTimeMilliseconds(1_000_000_000_777),
        Capacity = new StatusCapacity(2.5, ByteSize.FromGiB(3), ByteSize.FromGiB(64), 4),
        Free = new StatusCapacity(-0.5, new ByteSize(-5), ByteSize.Zero, -1),
        Running = 70,
        RunningJobs = ["a", "b"],
        Held = 1,
        HeldJobs = ["c"],
        Images = [new StatusImage("alpine", "sha256:00")],
        Programs = new Dictionary<string, string> { ["crun"] = "1.8.1", ["kernel"] = "6.18" },
        Capabilities = ["network"],
        Findings = [new StatusFinding(Severity.Warning, "The disk is nearly full.")],
        Classes = new Dictionary<JobClass, int> { [JobClass.Exam] = 16, [JobClass.Replay] = 1 },
    };
}
