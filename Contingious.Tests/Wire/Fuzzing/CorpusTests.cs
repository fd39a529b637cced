using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>The fixed corpus: each interesting value in each place of each right message.</summary>
public sealed class CorpusTests
{
    public static TheoryData<string> Targets => [.. FuzzTarget.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void R2_Each_interesting_value_in_each_place_is_read_or_refused_for_little(string name)
    {
        var target = FuzzTarget.All.Single(target => target.Name == name);
        var (read, refused) = (0, 0);
        foreach (var seed in target.Seeds)
        {
            target.Decode(seed);
            foreach (var node in new Outline(seed).Nodes)
            {
                foreach (var value in Mutator.Interesting)
                {
                    byte[] message = [.. seed.AsSpan(0, node.Start), .. value, .. seed.AsSpan(node.End)];
                    var before = GC.GetAllocatedBytesForCurrentThread();
                    if (IsRead(target, message)) read++;
                    else refused++;
                    Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, target.MostAllocated + (target.Factor * message.Length));
                }
            }
        }

        Assert.InRange(read, 1, int.MaxValue);
        Assert.InRange(refused, 1, int.MaxValue);
    }

    private static bool IsRead(FuzzTarget target, byte[] message)
    {
        try
        {
            target.Decode(message);
            return true;
        }
        catch (WireException)
        {
            return false;
        }
    }
}
