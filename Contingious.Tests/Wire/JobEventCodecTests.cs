using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Tests.Wire;

public sealed class JobEventCodecTests
{
    private static readonly DateTimeOffset time = DateTimeOffset.UnixEpoch.AddSeconds(1_800_000_000);

    [Fact]
    public void Events_come_back_as_they_were_sent()
    {
        JobEvent[] sent =
        [
            new("a", 3, JobEventKind.Accepted, time),
            new("a", 3, JobEventKind.Started, time) { Step = "check" },
            new("a", 3, JobEventKind.Output, time) { Step = "check", IsStderr = true, Data = new byte[] { 1, 2 } },
            new("a", 3, JobEventKind.Step, time) { Step = "check", Outcome = Outcome.WallTimeLimit },
            new("a", 3, JobEventKind.Finished, time) { Outcome = Outcome.WallTimeLimit },
        ];
        var read = JobEventCodec.Decode(JobEventCodec.Encode(sent));
        Assert.Equal(sent.Select(each => each with { Data = default }), read.Select(each => each with { Data = default }));
        Assert.Equal([1, 2], read[2].Data.ToArray());
    }

    [Fact]
    public void Output_of_more_than_64_KiB_is_cut_when_it_is_sent_and_refused_when_it_comes()
    {
        var sent = new JobEvent("a", 1, JobEventKind.Output, time) { Data = new byte[JobEventCodec.MaxData + 1] };
        Assert.Equal(JobEventCodec.MaxData, JobEventCodec.Decode(JobEventCodec.Encode([sent]))[0].Data.Length);
    }

    [Fact]
    public void R1_Whatever_is_cut_off_or_changed_is_a_refusal_or_events_and_nothing_else()
    {
        var valid = JobEventCodec.Encode([new JobEvent("a", 1, JobEventKind.Output, time) { Step = "s", Data = new byte[40] }]).ToArray();
        var control = ControlMessageCodec.Encode(new ControlMessage(ControlKind.Cancel, "a", 1)).ToArray();
        var random = new Random(11);
        for (var i = 0; i < 20_000; i++)
        {
            var original = i % 2 == 0 ? valid : control;
            var changed = original[..random.Next(original.Length + 1)].ToArray();
            for (var flips = random.Next(4); flips > 0 && changed.Length > 0; flips--) changed[random.Next(changed.Length)] = (byte)random.Next(256);
            try
            {
                _ = i % 2 == 0 ? JobEventCodec.Decode(changed).Count : ControlMessageCodec.Decode(changed).JobId.Length;
            }
            catch (WireException)
            {
                // As it should be.
            }
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(7)]
    public void Control_messages_come_back_as_they_were_sent(int? attempt)
    {
        var cancel = new ControlMessage(ControlKind.Cancel, "a", attempt);
        Assert.Equal(cancel, ControlMessageCodec.Decode(ControlMessageCodec.Encode(cancel)));
        Assert.Equal(new ControlMessage(ControlKind.Report), ControlMessageCodec.Decode(ControlMessageCodec.Encode(new ControlMessage(ControlKind.Report))));
    }

    [Fact]
    public void R1_A_message_that_is_too_large_is_refused_unread()
    {
        Assert.Throws<WireException>(() => JobEventCodec.Decode(new byte[JobEventCodec.MaxBytes + 1]));
        Assert.Throws<WireException>(() => ControlMessageCodec.Decode(new byte[ControlMessageCodec.MaxBytes + 1]));
    }
}
