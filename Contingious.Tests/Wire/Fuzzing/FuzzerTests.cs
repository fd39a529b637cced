namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>The fuzzer finds what it is there for.</summary>
public sealed class FuzzerTests
{
    [Fact]
    public void A_decoder_that_breaks_is_found_and_its_message_made_short()
    {
        var target = Target(bytes => bytes.Span.Contains((byte)0xc1) ? throw new InvalidOperationException("c1") : 0);
        var failure = Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => new Fuzzer([target], 1).Run(100_000));
        Assert.Contains("InvalidOperationException", failure.Message, StringComparison.Ordinal);
        Assert.Contains("has 1 bytes: C1", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Seed 1, case ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_decoder_that_believes_a_length_is_found()
    {
        var target = Target(bytes => bytes.Length > 4 && bytes.Span[^1] == 7 ? new byte[1 << 20].Length : 0);
        Assert.Contains("allocated too much", Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => new Fuzzer([target], 1).Run(100_000)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_seed_makes_the_same_messages()
    {
        var (one, other) = (new Mutator([FuzzSeeds.Job]), new Mutator([FuzzSeeds.Job]));
        var different = 0;
        for (var i = 0; i < 500; i++)
        {
            var message = one.Make(new FuzzRandom(5, i)).ToArray();
            Assert.Equal(message, other.Make(new FuzzRandom(5, i)).ToArray());
            if (!message.AsSpan().SequenceEqual(FuzzSeeds.Job)) different++;
        }

        Assert.InRange(different, 400, 500);
    }

    private static FuzzTarget Target(Func<ReadOnlyMemory<byte>, int> decode) => new("planted", [FuzzSeeds.Job], bytes => decode(bytes));
}
