using System.Buffers.Binary;
using System.Net.Sockets;
using Contingious.Agent.Runner;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Tests.Runner;

public sealed class ProtocolTests
{
    private static readonly JobKey key = new("job", 3, new string('a', 64));

    [Fact]
    public async Task A_frame_comes_back_as_it_was_sent()
    {
        var order = new JobOrder(key, JobClass.Replay, null, new byte[] { 1, 2, 3 });
        using var stream = new MemoryStream(Frame.Encode(FrameKind.Run, 77, order.Write()));
        var frame = Assert.NotNull(await Frame.ReadAsync(stream, default));
        var read = JobOrder.Read(new FieldReader(frame.Fields));
        Assert.Equal((FrameKind.Run, 77u, key, JobClass.Replay, (string?)null), (frame.Kind, frame.Number, read.Key, read.Class, read.TraceParent));
        Assert.Equal(order.Message.ToArray(), read.Message.ToArray());
        Assert.Null(await Frame.ReadAsync(stream, default));
    }

    [Fact]
    public void Events_come_back_as_they_were_sent()
    {
        foreach (var happened in (JobEvent[])
        [
            new("job", 3, JobEventKind.Started, DateTimeOffset.UnixEpoch) { Step = "build" },
            new("job", 3, JobEventKind.Step, DateTimeOffset.UnixEpoch) { Step = "build", Outcome = Outcome.CpuTimeLimit },
        ])
        {
            Assert.Equal(happened, EventMessage.Read(new FieldReader(EventMessage.Write(happened).Written), key) with { Data = default });
        }

        var output = EventMessage.Read(new FieldReader(EventMessage.Write(new("job", 3, JobEventKind.Output, DateTimeOffset.UnixEpoch) { IsStderr = true, Data = new byte[] { 9 } }).Written), key);
        Assert.Equal((true, 9), (output.IsStderr, output.Data.Span[0]));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(Frame.MostBytes + 1)]
    [InlineData(int.MaxValue)]
    public async Task A_length_that_no_frame_has_is_refused_before_anything_is_allocated_for_it(int length)
    {
        var head = new byte[100];
        BinaryPrimitives.WriteInt32LittleEndian(head, length);
        using var stream = new MemoryStream(head);
        await Assert.ThrowsAsync<RunnerProtocolException>(() => Frame.ReadAsync(stream, default));
    }

    [Fact]
    public async Task A_frame_that_is_cut_anywhere_is_noticed()
    {
        var whole = Frame.Encode(FrameKind.Run, 1, new JobOrder(key, JobClass.Exam, "tp", new byte[20]).Write());
        for (var length = 1; length < whole.Length; length++)
        {
            using var stream = new MemoryStream(whole[..length]);
            await Assert.ThrowsAsync<RunnerProtocolException>(() => Frame.ReadAsync(stream, default));
        }

        var fields = new JobOrder(key, JobClass.Exam, "tp", new byte[20]).Write().Written;
        for (var length = 0; length < fields.Length; length++) Assert.Throws<RunnerProtocolException>(() => JobOrder.Read(new FieldReader(fields[..length])));
    }

    [Fact]
    public async Task Who_sends_nonsense_is_sent_away_and_nobody_else()
    {
        await using var scene = new RunnerScene();
        await using var client = await scene.ConnectAsync();
        foreach (var nonsense in (byte[][])[[255, 255, 255, 255], Frame.Encode((FrameKind)200, 1), Frame.Encode(FrameKind.Run, 1), Frame.Encode(FrameKind.Answer, 1)])
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint($"{scene.Place.SocketDirectory}/{scene.Place.Ids()[0]}.sock"));
            await socket.SendAsync(nonsense);
            Assert.Equal(0, await socket.ReceiveAsync(new byte[10]).WaitAsync(TimeSpan.FromSeconds(30)));
        }

        Assert.Equal(Outcome.Ok, (await client.RunAsync(RunnerScene.Ticket("still"), _ => { }, default)).Outcome);
    }

    [Fact]
    public async Task The_socket_is_the_account_s_alone()
    {
        await using var scene = new RunnerScene();
        await using var client = await scene.ConnectAsync();
        Assert.Equal(RunnerPlace.Closed, File.GetUnixFileMode(scene.Place.SocketDirectory));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{scene.Place.SocketDirectory}/{scene.Place.Ids()[0]}.sock"));
    }

    [Fact]
    public async Task Waiting_output_is_dropped_oldest_first_and_nothing_else_is()
    {
        using var outbox = new Outbox(new ByteSize(10), ByteSize.FromMiB(128));
        Assert.True(outbox.Post([0]));
        for (byte i = 1; i <= 4; i++) outbox.Post([i, i, i, i], isOutput: true);
        outbox.Post([9]);
        outbox.Complete();
        var taken = new List<byte>();
        while (await outbox.TakeAsync(default) is { } frame) taken.Add(frame[0]);
        Assert.Equal([0, 3, 4, 9], taken);
        Assert.Equal(2, outbox.Dropped);
    }

    [Fact]
    public void Whoever_reads_nothing_for_too_long_is_given_up()
    {
        using var outbox = new Outbox(new ByteSize(10), ByteSize.FromMiB(128));
        var result = new byte[16 << 20];
        var posted = Enumerable.Range(0, 20).TakeWhile(_ => outbox.Post(result)).Count();
        Assert.InRange(posted, 2, 10);
    }

    [Fact]
    public async Task Who_can_wait_for_room_waits_and_leaves_some_and_nobody_waits_for_a_reader_that_is_gone()
    {
        using var outbox = new Outbox(new ByteSize(10), new ByteSize(100));
        var posting = Task.Run(async () =>
        {
            for (byte i = 0; i < 50; i++) await outbox.PostInTurnAsync([i, .. new byte[19]], default);
        });
        for (byte i = 0; i < 50; i++)
        {
            // At most two of them wait, so that this never fails.
            Assert.True(outbox.Post([255, .. new byte[39]]));
            var taken = new List<byte>();
            while (!(taken.Contains(255) && taken.Exists(first => first != 255 && first >= i))) taken.Add((await outbox.TakeAsync(default).WaitAsync(TimeSpan.FromSeconds(30)))![0]);
            Assert.InRange(taken.Count, 2, 4);
            i = taken.Where(first => first != 255).Max();
        }

        await posting.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(outbox.Post(new byte[90]));
        var waiting = outbox.PostInTurnAsync([1], default);
        Assert.False(waiting.IsCompleted);
        outbox.Complete();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task An_agent_is_told_all_jobs_also_where_they_are_more_than_may_wait_for_it()
    {
        await using var scene = new RunnerScene { Options = options => options with { MostWaiting = ByteSize.FromKiB(64) } };
        await using (var client = await scene.ConnectAsync())
        {
            for (var i = 0; i < 40; i++) await client.RunAsync(RunnerScene.Ticket($"large-{i}", "true", new string('x', 20_000)), _ => { }, default);
        }

        await using var next = await scene.ConnectAsync();
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"large-{i}"), next.Adopted.Select(ticket => ticket.Key.JobId));
        Assert.DoesNotContain("gone", scene.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_start_of_a_step_is_told_before_its_output_and_output_in_parts()
    {
        var told = new List<JobEvent>();
        var events = new RunEvents(key, TimeProvider.System, told.Add);
        events.StepWrote("a", isStderr: true, new byte[(RunEvents.MostData * 2) + 1]);
        events.StepStarted("a");
        events.StepWrote("a", isStderr: false, "x"u8);
        events.StepEnded(new StepReport { Name = "a", Outcome = Outcome.Ok });
        events.StepWrote("b", isStderr: true, "crun: no"u8);
        events.StepEnded(new StepReport { Name = "b", Outcome = Outcome.NonZeroExit });
        Assert.Equal([JobEventKind.Started, JobEventKind.Output, JobEventKind.Output, JobEventKind.Output, JobEventKind.Output, JobEventKind.Step, JobEventKind.Step], told.Select(happened => happened.Kind));
        Assert.Equal([RunEvents.MostData, RunEvents.MostData, 1, 1], told.Where(happened => happened.Kind == JobEventKind.Output).Select(happened => happened.Data.Length));
    }
}
