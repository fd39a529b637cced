using Contingious.Engine.Pool;
using Contingious.Tests.Work.Simulation;

namespace Contingious.Tests.Pool;

/// <summary>How many sandboxes are kept follows from how many are wanted.</summary>
public sealed class DemandTests
{
    private static readonly TimeSpan making = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void One_job_is_no_reason_to_keep_one_more_and_many_are()
    {
        var time = new ManualTime();
        var demand = new Demand(time);
        Assert.Equal(1, demand.Wanted(1, making));
        demand.Arrived();
        Assert.Equal(1, demand.Wanted(1, making));

        // Fifty a second: while one is made two or three come.
        for (var i = 0; i < 2_000; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(20));
            demand.Arrived();
        }

        Assert.InRange(demand.Wanted(1, making), 3, 4);

        // What was, is forgotten.
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, demand.Wanted(1, making));
        Assert.Equal(0, demand.Wanted(0, making));
    }
}
