using System.Diagnostics;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Tests.Support;

namespace Contingious.Tests.Queue;

[Collection(BrokerTests.Name)]
public sealed class JobSourceTests(PrivateBroker broker)
{
    [Fact]
    public async Task Of_four_full_queues_jobs_are_taken_by_exactly_their_weights()
    {
        await using var scene = await StartAsync();
        foreach (var ofClass in Enum.GetValues<JobClass>())
        {
            for (var i = 0; i < 40; i++) await scene.Raw.PostAsync(new byte[] { 1 }, null, ofClass: ofClass);
        }

        var source = await scene.NewSourceAsync();
        var taken = new List<JobClass>();
        for (var i = 0; i < 54; i++)
        {
            var delivery = await QueueScene.TakeAsync(source);
            taken.Add(delivery.Class);
            await delivery.AckAsync();
        }

        Assert.Equal((32, 16, 4, 2), (Count(JobClass.Exam), Count(JobClass.Interactive), Count(JobClass.Batch), Count(JobClass.Replay)));

        int Count(JobClass ofClass) => taken.Count(each => each == ofClass);
    }

    [Fact]
    public async Task A_class_that_was_empty_a_moment_ago_is_asked_again_soon_and_at_once_where_no_other_has_jobs()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        await scene.Raw.PostAsync(new byte[] { 1 }, null);
        await scene.Raw.PostAsync(new byte[] { 2 }, null);
        await scene.Raw.WaitForReadyAsync(Interactive(scene), 2);
        Assert.Equal(JobClass.Interactive, (await QueueScene.TakeAsync(source)).Class);
        await scene.Raw.PostAsync(new byte[] { 3 }, null, ofClass: JobClass.Exam);
        await scene.Raw.WaitForReadyAsync(scene.Options.JobsQueueOf(JobClass.Exam), 1);
        await Task.Delay(2 * JobSource.EmptyFor, TestContext.Current.CancellationToken);
        Assert.Equal(JobClass.Exam, (await QueueScene.TakeAsync(source)).Class);
        Assert.Equal(JobClass.Interactive, (await QueueScene.TakeAsync(source)).Class);

        // All but one were found empty by that.
        await scene.Raw.PostAsync(new byte[] { 4 }, null, ofClass: JobClass.Replay);
        Assert.Equal(JobClass.Replay, (await QueueScene.TakeAsync(source)).Class);
    }

    [Fact]
    public async Task No_more_is_taken_than_was_asked_for()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        for (var i = 0; i < 5; i++) await scene.Raw.PostAsync(new byte[] { (byte)i }, null);
        _ = await QueueScene.TakeAsync(source);
        _ = await QueueScene.TakeAsync(source);
        await scene.Raw.WaitForReadyAsync(Interactive(scene), 3);
        // Nobody asks: another agent may have what comes now.
        await scene.Raw.PostAsync(new byte[] { 5 }, null, ofClass: JobClass.Exam);
        await scene.Raw.WaitForReadyAsync(scene.Options.JobsQueueOf(JobClass.Exam), 1);
        Assert.Equal(3u, await scene.Raw.CountReadyAsync(Interactive(scene)));
    }

    [Fact]
    public async Task An_idle_source_gets_a_job_without_asking_again_and_again()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        for (var i = 0; i < 3; i++)
        {
            var taking = QueueScene.TakeAsync(source);
            await scene.WaitForConsumersAsync(JobClass.Replay, 1);
            await scene.Raw.PostAsync(new byte[] { (byte)i }, null, ofClass: JobClass.Batch);
            var delivery = await taking;
            Assert.Equal((JobClass.Batch, (byte)i), (delivery.Class, delivery.Body.Span[0]));
            await scene.WaitForConsumersAsync(JobClass.Replay, 0);
            await delivery.AckAsync();
        }
    }

    [Fact]
    public async Task Jobs_that_come_at_once_to_an_idle_source_all_come_through_and_none_is_kept_from_others()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        var taking = QueueScene.TakeAsync(source);
        await scene.WaitForConsumersAsync(JobClass.Replay, 1);
        await Task.WhenAll(Enum.GetValues<JobClass>().Select(ofClass => scene.Raw.PostAsync(new byte[] { 1 }, null, ofClass: ofClass)));
        _ = await taking;
        // Nobody asks any more, so the three others are there for another agent, even what was on its way here.
        var other = await scene.NewSourceAsync();
        for (var i = 0; i < 3; i++) _ = await QueueScene.TakeAsync(other);
    }

    [Fact]
    public async Task What_came_at_once_and_was_asked_for_in_part_is_left_to_others()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        var taking = QueueScene.TakeAsync(source);
        await scene.WaitForConsumersAsync(JobClass.Replay, 1);
        await Task.WhenAll(Enum.GetValues<JobClass>().Select(ofClass => scene.Raw.PostAsync(new byte[] { 1 }, null, ofClass: ofClass)));
        _ = await taking;
        // Busy from now on, whether this one was on its way here or had to be fetched.
        _ = await QueueScene.TakeAsync(source);
        var other = await scene.NewSourceAsync();
        for (var i = 0; i < 2; i++) _ = await QueueScene.TakeAsync(other);
    }

    [Fact]
    public async Task A_burst_to_an_idle_source_takes_no_longer_than_asking_for_each()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        var taking = QueueScene.TakeAsync(source);
        await scene.WaitForConsumersAsync(JobClass.Replay, 1);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => scene.Raw.PostAsync(new byte[100], null)));
        var watch = Stopwatch.StartNew();
        await (await taking).AckAsync();
        for (var i = 1; i < 300; i++) await (await QueueScene.TakeAsync(source)).AckAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"300 jobs in {watch.ElapsedMilliseconds} ms");
        // A source that went idle after each job would make eight round trips for one, and be woken 300 times.
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
        await scene.Raw.WaitForReadyAsync(Interactive(scene), 0);
    }

    [Fact]
    public async Task R1_A_message_that_is_too_large_is_known_by_its_size_alone()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        await scene.Raw.PostAsync(new byte[(32 << 20) + 1], "somewhere", "c-1");
        var delivery = await QueueScene.TakeAsync(source);
        Assert.Equal((0, (32 << 20) + 1L, "somewhere", "c-1"), (delivery.Body.Length, delivery.Size, delivery.ReplyTo, delivery.CorrelationId));
    }

    [Fact]
    public async Task R3_How_often_a_job_was_given_back_is_told_and_the_broker_ends_it_at_last()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        await scene.Raw.PostAsync(new byte[] { 7 }, null);
        for (var i = 0; i <= Topology.DeliveryLimit; i++)
        {
            var delivery = await QueueScene.TakeAsync(source);
            Assert.Equal((i > 0, i), (delivery.Redelivered, delivery.GivenBack));
            await delivery.RejectAsync(requeue: true);
        }

        Assert.Equal(7, (await scene.Raw.TakeAsync(scene.Options.DeadQueue)).Body.Span[0]);
    }

    [Fact]
    public async Task A_channel_that_the_broker_closed_loses_its_jobs_and_is_opened_again()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        await scene.Raw.PostAsync(new byte[] { 1 }, null);
        var held = await QueueScene.TakeAsync(source);
        Assert.False(held.Lost.IsCancellationRequested);
        // The broker answers an unknown delivery tag with PRECONDITION_FAILED.
        await source.OpenChannel!.BasicAckAsync(4_711, multiple: false);
        await QueueScene.UntilAsync(() => held.Lost.IsCancellationRequested, "the delivery is lost");

        var again = await QueueScene.TakeAsync(source);
        Assert.True(again.Redelivered);
        await held.AckAsync();
        await again.AckAsync();
        await scene.Raw.WaitForReadyAsync(Interactive(scene), 0);
    }

    [Fact]
    public async Task A_queue_that_was_deleted_is_declared_again_while_somebody_waits_at_it()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        var taking = QueueScene.TakeAsync(source);
        await scene.WaitForConsumersAsync(JobClass.Replay, 1);
        await scene.Raw.Channel.QueueDeleteAsync(Interactive(scene), ifUnused: false, ifEmpty: false);
        await scene.WaitForConsumersAsync(JobClass.Interactive, 1);
        await scene.Raw.PostAsync(new byte[] { 3 }, null);
        Assert.Equal(3, (await taking).Body.Span[0]);
    }

    [Fact]
    public async Task R6_A_connection_that_is_lost_costs_no_job_and_a_stale_delivery_can_be_settled()
    {
        _ = broker.NewOptions();
        await using var proxy = new CuttableProxy(broker.Uri);
        await using var scene = await StartAsync(proxy.Uri);
        var source = await scene.NewSourceAsync();
        await scene.Raw.PostAsync(new byte[] { 1 }, null);
        var stale = await QueueScene.TakeAsync(source);
        proxy.Cut();
        var again = await QueueScene.TakeAsync(source);
        Assert.True(again.Redelivered && stale.Lost.IsCancellationRequested);
        await stale.AckAsync();
        await again.AckAsync();
        var taking = QueueScene.TakeAsync(source);
        await scene.WaitForConsumersAsync(JobClass.Replay, 1);
        proxy.Down();
        await scene.Raw.PostAsync(new byte[] { 2 }, null);
        proxy.Up();
        Assert.Equal(2, (await taking).Body.Span[0]);
    }

    [Fact]
    public async Task Whoever_stops_waiting_gets_no_job_and_keeps_none()
    {
        await using var scene = await StartAsync();
        var source = await scene.NewSourceAsync();
        using var leave = new CancellationTokenSource();
        var taking = source.TakeAsync(leave.Token);
        await scene.WaitForConsumersAsync(JobClass.Replay, 1);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => taking);
        await scene.WaitForConsumersAsync(JobClass.Replay, 0);
        await scene.Raw.PostAsync(new byte[] { 1 }, null);
        await scene.Raw.WaitForReadyAsync(Interactive(scene), 1);
        await source.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => source.TakeAsync(default));
    }

    private static string Interactive(QueueScene scene) => scene.Options.JobsQueueOf(JobClass.Interactive);

    private Task<QueueScene> StartAsync(string? uri = null)
    {
        var options = broker.NewOptions(uri);
        return QueueScene.StartAsync(broker.Uri, options);
    }
}
