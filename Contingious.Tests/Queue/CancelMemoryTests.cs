using Contingious.Agent.Queue;
using Contingious.Tests.Work.Simulation;

namespace Contingious.Tests.Queue;

/// <summary>A cancel counts for a day, and agents keep no more of them than they have room for.</summary>
public sealed class CancelMemoryTests
{
    private static readonly TimeSpan day = TimeSpan.FromHours(24);

    private readonly ManualTime time = new();

    [Fact]
    public void A_cancel_ends_after_its_time_even_where_no_other_comes()
    {
        var memory = new CancelMemory(day, 10, time);
        memory.Add("a", 1);
        time.Advance(day);
        Assert.True(memory.Has("a", 1));
        Assert.False(memory.Has("a", 2));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(memory.Has("a", 1));
        memory.Add("b", CancelMemory.AllAttempts);
        Assert.Equal(1, memory.Count);
        Assert.True(memory.Has("b", 7));
    }

    [Fact]
    public void A_cancel_that_is_repeated_is_young_again()
    {
        var memory = new CancelMemory(day, 10, time);
        memory.Add("a", 1);
        time.Advance(day - TimeSpan.FromHours(1));
        memory.Add("a", 1);
        time.Advance(TimeSpan.FromHours(2));
        memory.Add("b", 1);
        Assert.True(memory.Has("a", 1));
        time.Advance(day);
        Assert.False(memory.Has("a", 1));
    }

    [Fact]
    public void Of_too_many_the_oldest_go()
    {
        var memory = new CancelMemory(day, 10, time);
        for (var i = 0; i < 30; i++)
        {
            memory.Add($"job-{i}", 1);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(10, memory.Count);
        Assert.True(memory.Has("job-29", 1) && memory.Has("job-20", 1));
        Assert.False(memory.Has("job-19", 1));
    }
}
