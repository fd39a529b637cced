using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire;

public sealed class StartBeforeTests
{
    [Fact]
    public void Until_when_a_job_is_of_use_travels_to_the_millisecond()
    {
        var until = DateTimeOffset.FromUnixTimeMilliseconds(1_900_000_000_123);
        Assert.Equal(until, JobCodec.Decode(JobCodec.Encode(Samples.FullJob with { StartBefore = until })).StartBefore);
        Assert.Null(JobCodec.Decode(JobCodec.Encode(Samples.FullJob)).StartBefore);
        Assert.Null(JobCodec.Decode(Pack.Value(Samples.SmallJob.With("start_before_ms", null))).StartBefore);
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(long.MaxValue)]
    [InlineData("soon")]
    [InlineData(1.5)]
    public void A_time_that_is_none_is_refused_by_its_name(object value) =>
        Assert.Equal("start_before_ms", Assert.Throws<WireException>(() => JobCodec.Decode(Pack.Value(Samples.SmallJob.With("start_before_ms", value)))).Field);

    [Fact]
    public void A_job_may_name_as_much_of_its_outputs_as_the_agents_operator_lets_it()
    {
        var message = Pack.Value(Samples.SmallJob.With("output_limits", Pack.M(("file_bytes", 1 << 28), ("total_bytes", 1 << 28))));
        Assert.Equal("output_limits.file_bytes", Assert.Throws<WireException>(() => JobCodec.Decode(message)).Field);
        var policy = new LimitPolicy { MostOutputs = new Engine.Storage.Blobs.BlobOptions("/blobs").MostOutputs };
        Assert.Equal(1 << 28, JobCodec.Decode(message, policy).Request.OutputLimits.FileBytes.Bytes);
        Assert.Equal(Engine.Model.OutputLimits.Default, JobCodec.Decode(Pack.Value(Samples.SmallJob), policy).Request.OutputLimits);
    }
}
