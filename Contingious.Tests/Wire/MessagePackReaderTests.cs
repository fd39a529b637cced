using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire;

public sealed class MessagePackReaderTests
{
    private const int LargeStep = 64 << 10;

    [Theory]
    [InlineData("dd-ff-ff-ff-ff", "an array of 2^32-1")]
    [InlineData("df-ff-ff-ff-ff", "a map of 2^32-1")]
    [InlineData("df-80-00-00-00-c0", "a map whose two values an entry overflow 32 bits")]
    [InlineData("c6-ff-ff-ff-ff-00", "bytes of 4 GiB")]
    [InlineData("db-ff-ff-ff-ff-00", "text of 4 GiB")]
    [InlineData("c9-ff-ff-ff-ff-01-00", "an extension of 4 GiB")]
    [InlineData("dc-ff-ff-c0", "an array of 65,535 with one item")]
    public void A_length_that_is_more_than_what_follows_is_refused_before_anything_is_allocated(string hex, string what)
    {
        var message = Convert.FromHexString(hex.Replace("-", "", StringComparison.Ordinal));
        _ = Refusal(message);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Refusal(message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, LargeStep);
        Assert.Contains("follow it", refusal.Reason, StringComparison.Ordinal);
        Assert.NotEmpty(what);
    }

    [Theory]
    [InlineData(0x91)]
    [InlineData(0x81)]
    public void A_hundred_thousand_levels_are_refused_at_the_33rd(byte container)
    {
        var message = Enumerable.Repeat(container, 100_000).ToArray();
        if (container == 0x81) message = [.. Enumerable.Repeat(new byte[] { 0x81, 0xc0 }, 100_000).SelectMany(pair => pair)];
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Refusal(message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, LargeStep);
        Assert.Equal("The message is deeper than 32 levels.", refusal.Reason);
    }

    [Fact]
    public void Thirty_two_levels_are_read()
    {
        var reader = new MessagePackReader([.. Enumerable.Repeat((byte)0x91, 32), 0xc0]);
        reader.Skip();
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Levels_that_were_left_again_do_not_count()
    {
        var reader = new MessagePackReader([0xdc, 0x01, 0x00, .. Enumerable.Repeat(new byte[] { 0x91, 0x91, 0x90 }, 256).SelectMany(item => item)], depthCap: 4);
        reader.Skip();
        Assert.True(reader.IsAtEnd);
    }

    [Fact]
    public void Skipping_passes_over_exactly_one_value()
    {
        var reader = new MessagePackReader(Pack.Value(new object?[] { new object?[] { 1, Pack.M(("a", new byte[] { 1, 2 })), "x" }, 7 }));
        Assert.Equal(2, reader.ReadArrayHeader());
        reader.Skip();
        Assert.Equal(7, reader.ReadInt64());
        Assert.True(reader.IsAtEnd);
    }

    [Theory]
    [InlineData("c1", "0xc1")]
    [InlineData("", "in the middle of a value")]
    [InlineData("a2-c3-28", "UTF-8")]
    [InlineData("a3-ed-a0-80", "UTF-8")]
    [InlineData("a2-c0-80", "UTF-8")]
    public void What_is_no_text_is_refused(string hex, string reason)
    {
        var message = Convert.FromHexString(hex.Replace("-", "", StringComparison.Ordinal));
        var refusal = Assert.Throws<WireException>(() => new MessagePackReader(message).ReadString());
        Assert.Contains(reason, refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_whole_number_out_of_range_or_not_whole_is_refused()
    {
        Assert.Throws<WireException>(() => new MessagePackReader(Pack.Value(-1)).ReadUInt64());
        Assert.Throws<WireException>(() => new MessagePackReader([0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).ReadInt64());
        Assert.Throws<WireException>(() => new MessagePackReader(Pack.Value(0.5)).ReadInt64());
        Assert.Throws<WireException>(() => new MessagePackReader(Pack.Value(double.NaN)).ReadInt64());
        Assert.Throws<WireException>(() => new MessagePackReader(Pack.Value(double.PositiveInfinity)).ReadInt64());
        Assert.Throws<WireException>(() => new MessagePackReader(Pack.Value(1e300)).ReadInt64());
    }

    [Fact]
    public void Any_number_survives_being_written_and_read()
    {
        var random = new Random(20_000);
        for (var i = 0; i < 10_000; i++)
        {
            var integer = random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64);
            Assert.Equal(integer, new MessagePackReader(Pack.Value(integer)).ReadInt64());
            var real = BitConverter.Int64BitsToDouble(random.NextInt64());
            Assert.Equal(real, new MessagePackReader(Pack.Value(real)).ReadDouble());
        }
    }

    private static WireException Refusal(byte[] message) => Assert.Throws<WireException>(() => new MessagePackReader(message).Skip());
}
