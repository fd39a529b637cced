using Contingious.Agent.Queue;
using Contingious.Agent.Wire;

namespace Contingious.Tests.Queue;

public sealed class WeightedTurnsTests
{
    private static readonly Dictionary<JobClass, int> weights = new() { [JobClass.Exam] = 16, [JobClass.Interactive] = 8, [JobClass.Batch] = 2, [JobClass.Replay] = 1 };

    [Fact]
    public void While_all_have_jobs_every_round_has_exactly_the_weights()
    {
        var turns = new WeightedTurns(weights);
        for (var round = 0; round < 10; round++)
        {
            var taken = Enumerable.Range(0, 27).Select(_ => Take(turns, _ => true)).ToList();
            Assert.All(weights, each => Assert.Equal(each.Value, taken.Count(ofClass => ofClass == each.Key)));
            // Smooth: the class with more than half of the weight never waits for two others.
            Assert.DoesNotContain(Enumerable.Range(0, 25), i => taken.Skip(i).Take(3).All(ofClass => ofClass != JobClass.Exam));
        }
    }

    [Fact]
    public void Those_that_have_jobs_share_by_their_weights_when_the_largest_has_none()
    {
        var turns = new WeightedTurns(weights);
        var taken = Enumerable.Range(0, 1_100).Select(_ => Take(turns, ofClass => ofClass != JobClass.Exam)).ToList();
        Assert.InRange(taken.Count(ofClass => ofClass == JobClass.Interactive), 795, 805);
        Assert.InRange(taken.Count(ofClass => ofClass == JobClass.Batch), 195, 205);
        Assert.InRange(taken.Count(ofClass => ofClass == JobClass.Replay), 95, 105);
    }

    [Fact]
    public void A_class_that_had_nothing_gets_its_share_and_no_more_once_it_has_something()
    {
        var turns = new WeightedTurns(weights);
        for (var i = 0; i < 1_000; i++) Take(turns, ofClass => ofClass == JobClass.Interactive);
        var taken = Enumerable.Range(0, 90).Select(_ => Take(turns, ofClass => ofClass is JobClass.Interactive or JobClass.Replay)).ToList();
        Assert.InRange(taken.Count(ofClass => ofClass == JobClass.Replay), 9, 11);
    }

    [Fact]
    public void The_lightest_class_is_asked_although_a_heavier_one_always_has_jobs()
    {
        var turns = new WeightedTurns(weights);
        var asked = 0;
        for (var i = 0; i < 270; i++) Take(turns, ofClass => ofClass == JobClass.Replay ? asked++ < 0 : ofClass == JobClass.Interactive);
        Assert.InRange(asked, 10, 270);
    }

    private static JobClass Take(WeightedTurns turns, Func<JobClass, bool> hasJobs)
    {
        foreach (var ofClass in turns.Order())
        {
            if (hasJobs(ofClass))
            {
                turns.Took(ofClass);
                return ofClass;
            }

            turns.HadNothing(ofClass);
        }

        throw new InvalidOperationException("There is no job.");
    }
}
