using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;
using Contingious.Tests.Work.Simulation;

namespace Contingious.Tests.Work;

public sealed class AdmissionTests
{
    private static readonly Capacity total = new(4, ByteSize.FromGiB(4), ByteSize.FromGiB(4), 4);

    [Fact]
    public void R7_A_small_job_passes_a_large_one_that_waits_but_not_for_ever() => FakeWorld.Run(0, world =>
    {
        var admission = new Admission(total, world.Time);
        var small = Done(admission.EnterAsync(Need(1), default));
        var large = admission.EnterAsync(Need(4), default);
        Assert.False(large.IsCompleted);
        Assert.True(admission.WhenOpenAsync(default).IsCompleted);
        var passes = admission.EnterAsync(Need(1), default);
        Assert.True(passes.IsCompletedSuccessfully);

        world.Time.Advance(Admission.PassingTime);
        var late = admission.EnterAsync(Need(1), default);
        Assert.False(late.IsCompleted);
        Assert.False(admission.WhenOpenAsync(default).IsCompleted);
        small.Dispose();
        Assert.False(late.IsCompleted);
        Done(passes).Dispose();
        Assert.True(large.IsCompletedSuccessfully);
        Assert.False(late.IsCompleted);
        Done(large).Dispose();
        Assert.True(late.IsCompletedSuccessfully);
    });

    [Fact]
    public void One_job_is_asked_for_while_the_room_for_it_is_about_to_be_given_back() => FakeWorld.Run(0, world =>
    {
        var admission = new Admission(total, world.Time);
        var (one, other) = (Done(admission.EnterAsync(Need(2), default)), Done(admission.EnterAsync(Need(2), default)));
        var open = admission.WhenOpenAsync(default);
        Assert.False(open.IsCompleted);
        one.EndsSoon();
        one.EndsSoon();
        other.EndsSoon();
        Assert.True(open.IsCompletedSuccessfully);

        // It has to wait all the same, and no other is asked for until it has begun.
        var next = admission.EnterAsync(Need(2), default);
        Assert.False(next.IsCompleted);
        Assert.False(admission.WhenOpenAsync(default).IsCompleted);
        one.Dispose();
        one.EndsSoon();
        Assert.True(next.IsCompletedSuccessfully);
        Assert.True(admission.WhenOpenAsync(default).IsCompleted);
        other.Dispose();
        other.Dispose();
        Done(next).Dispose();
        Assert.True(admission.Free.Holds(total));
        foreach (var _ in Enumerable.Range(0, 4)) Done(admission.EnterAsync(Need(1), default));
        Assert.False(admission.WhenOpenAsync(default).IsCompleted);
    });

    [Fact]
    public void R7_No_more_than_two_jobs_wait_for_room() => FakeWorld.Run(0, world =>
    {
        var admission = new Admission(total, world.Time);
        var running = Done(admission.EnterAsync(Need(3), default));
        _ = admission.EnterAsync(Need(4), default);
        Assert.True(admission.WhenOpenAsync(default).IsCompleted);
        using var impatient = new CancellationTokenSource();
        var second = admission.EnterAsync(Need(2), impatient.Token);
        Assert.False(second.IsCompleted);
        var open = admission.WhenOpenAsync(default);
        Assert.False(open.IsCompleted);
        impatient.Cancel();
        Assert.True(second.IsCanceled);
        Assert.True(open.IsCompletedSuccessfully);
        running.Dispose();
    });

    [Fact]
    public void R7_A_job_that_comes_again_has_waited_since_it_came_first_and_its_room_is_kept_for_a_moment() => FakeWorld.Run(0, world =>
    {
        var admission = new Admission(total, world.Time);
        var key = new JobKey("large", 1, "");
        var running = Done(admission.EnterAsync(Need(2), default));
        using var impatient = new CancellationTokenSource();
        var large = admission.EnterAsync(key, Need(4), () => true, impatient.Token);
        world.Time.Advance(Admission.PassingTime);
        var small = admission.EnterAsync(Need(1), default);
        impatient.Cancel();
        Assert.True(large.IsCanceled);

        // Its place is kept, and somebody may be asked for who may be the job that it is kept for.
        Assert.False(small.IsCompleted);
        Assert.True(admission.WhenOpenAsync(default).IsCompleted);
        world.Time.Advance(Admission.ReturnTime / 2);
        using var impatientAgain = new CancellationTokenSource();
        large = admission.EnterAsync(key, Need(4), () => true, impatientAgain.Token);
        Assert.False(small.IsCompleted);
        Assert.False(admission.WhenOpenAsync(default).IsCompleted);

        // The next time it takes too long to come again: others pass, and nothing does once it is there.
        impatientAgain.Cancel();
        world.Time.Advance(Admission.ReturnTime);
        Assert.True(small.IsCompletedSuccessfully);
        large = admission.EnterAsync(key, Need(4), () => true, default);
        var late = admission.EnterAsync(Need(1), default);
        Assert.False(late.IsCompleted);
        running.Dispose();
        Done(small).Dispose();
        Assert.True(large.IsCompletedSuccessfully);
        Assert.False(late.IsCompleted);
        Done(large).Dispose();
        Assert.True(late.IsCompletedSuccessfully);
        Done(late).Dispose();
        Assert.Equal(total, admission.Free);
    });

    [Fact]
    public void R7_A_large_job_whose_patience_ends_again_and_again_begins_while_small_ones_come_without_end()
    {
        for (var seed = 0; seed < 100; seed++) FakeWorld.Run(seed, Impatience);
    }

    private static void Impatience(FakeWorld world)
    {
        var admission = new Admission(total, world.Time);
        var patience = world.Between(5, 40);
        var longest = TimeSpan.FromSeconds(5);
        TimeSpan? begun = null;
        _ = SmallAsync();
        world.Time.Advance(TimeSpan.FromSeconds(10));
        var came = world.Time.Elapsed;
        _ = LargeAsync();
        for (var i = 0; i < 300 && begun is null; i++) world.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.NotNull(begun);

        // It is away for a moment only, which may be the one in which it would have begun.
        Assert.True(begun.Value - came < Admission.PassingTime + patience + (4 * longest), $"it waited {begun - came} with a patience of {patience}");

        async Task LargeAsync()
        {
            var key = new JobKey("large", 1, "");
            while (begun is null)
            {
                using var impatient = new CancellationTokenSource(patience, world.Time);
                try
                {
                    using var room = await admission.EnterAsync(key, Need(4), () => true, impatient.Token);
                    begun = world.Time.Elapsed;
                }
                catch (OperationCanceledException)
                {
                    await DelayAsync(world.Between(0, Admission.ReturnTime.TotalSeconds / 2));
                }
            }
        }

        async Task SmallAsync()
        {
            while (begun is null)
            {
                // As an agent asks: whoever is there, but no more than may wait.
                await admission.WhenOpenAsync(default);
                _ = RunAsync();
                await DelayAsync(TimeSpan.FromSeconds(0.1));
            }
        }

        async Task RunAsync()
        {
            using var room = await admission.EnterAsync(Need(1), default);
            await DelayAsync(world.Between(1, longest.TotalSeconds));
        }

        Task DelayAsync(TimeSpan length)
        {
            var over = new TaskCompletionSource();
            world.Time.After(length, over.SetResult);
            return over.Task;
        }
    }

    [Fact]
    public void What_asks_for_more_than_there_is_gets_all_of_it() => FakeWorld.Run(0, world =>
    {
        var admission = new Admission(total, world.Time);
        var all = admission.EnterAsync(Need(4) with { Memory = ByteSize.FromGiB(5) }, default);
        Assert.True(all.IsCompletedSuccessfully);
        Assert.Equal(ByteSize.Zero, admission.Free.Memory);
        Done(all).Dispose();
        Assert.Equal(total, admission.Free);
    });

    [Fact]
    public void R7_Random_jobs_never_take_more_than_there_is_and_each_begins_while_others_end()
    {
        for (var seed = 0; seed < 300; seed++) FakeWorld.Run(seed, Crowd);
    }

    private static void Crowd(FakeWorld world)
    {
        var admission = new Admission(total, world.Time);
        var used = Capacity.None;
        var waits = new List<TimeSpan>();
        var longest = TimeSpan.FromSeconds(5);
        var left = 200;
        _ = TakeAsync();
        for (var i = 0; i < 2_000 && (waits.Count < 200 || used.Slots > 0); i++) world.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(200, waits.Count);
        Assert.True(admission.Free.Holds(total));

        // Passed for a while, then alone in waiting for what runs, and once more for one that was before it.
        Assert.True(waits.Max() < 2 * (Admission.PassingTime + (2 * longest)), $"one waited {waits.Max()}");

        async Task TakeAsync()
        {
            while (left-- > 0)
            {
                await admission.WhenOpenAsync(default);
                _ = RunAsync(new Capacity(world.Random.Next(1, 41) / 10.0, ByteSize.FromMiB(world.Random.Next(16, 4097)), ByteSize.FromMiB(world.Random.Next(0, 4097)), 1));
            }
        }

        async Task RunAsync(Capacity need)
        {
            var came = world.Time.Elapsed;
            using var room = await admission.EnterAsync(need, default);
            waits.Add(world.Time.Elapsed - came);
            used = used.Plus(need);
            Assert.True(total.Holds(used), $"{used}");
            var over = new TaskCompletionSource();
            world.Time.After(world.Between(0, longest.TotalSeconds), over.SetResult);
            await over.Task;
            used = used.Minus(need);
        }
    }

    private static T Done<T>(Task<T> task)
    {
        Assert.True(task.IsCompletedSuccessfully);
        return task.GetAwaiter().GetResult();
    }

    private static Capacity Need(int share) => new(share, ByteSize.FromGiB(share), ByteSize.FromGiB(share), 1);
}
