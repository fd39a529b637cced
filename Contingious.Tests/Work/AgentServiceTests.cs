using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Work;

[Collection(BrokerTests.Name)]
public sealed class AgentServiceTests(PrivateBroker broker)
{
    [Fact]
    public async Task A_job_is_run_and_answered_to_whoever_posted_it()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        scene.Engine.Behaviour = (request, _) => Task.FromResult(FakeEngine.Ok($"{request.Image} {request.Steps[0].Stdin.Length}"));
        await scene.PostAsync(AgentScene.Job("job-1", 3, "12345"), "my correlation");

        var reply = await scene.NextReplyAsync();
        Assert.Equal(("my correlation", "application/msgpack"), (reply.BasicProperties.CorrelationId, reply.BasicProperties.ContentType));
        var result = JobResultCodec.Decode(reply.Body);
        Assert.Equal(("job-1", 3, "grader-1", Outcome.Ok), (result.JobId, result.Attempt, result.Agent, result.Report.Outcome));
        Assert.Equal("alpine 5"u8.ToArray(), result.Report.Steps[0].Stdout.ToArray());
        await scene.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_job_without_correlation_id_is_answered_with_its_own()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        await scene.PostAsync(AgentScene.Job("job-1"));
        Assert.Equal("job-1", (await scene.NextReplyAsync()).BasicProperties.CorrelationId);
    }

    [Fact]
    public async Task As_many_jobs_run_at_once_as_there_are_slots_and_a_slow_one_holds_nobody_up()
    {
        await using var scene = await AgentScene.StartAsync(broker, slots: 3);
        var slow = new TaskCompletionSource();
        scene.Engine.Behaviour = async (request, cancellation) =>
        {
            await (request.Id.Value.Contains("slow", StringComparison.Ordinal) ? slow.Task : Task.Delay(20, cancellation));
            return FakeEngine.Ok();
        };
        await using var client = await JobSubmitter.ConnectAsync(scene.Options, default);
        var last = client.SubmitAsync(AgentScene.Job("slow"), default);
        await scene.Engine.WaitForStartAsync();
        var results = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => client.SubmitAsync(AgentScene.Job($"job-{i}"), default))).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"job-{i}"), results.Select(result => result.JobId));
        Assert.False(last.IsCompleted);
        slow.SetResult();
        Assert.Equal("slow", (await last).JobId);
        Assert.Equal(3, scene.Engine.MostAtOnce);
    }

    [Fact]
    public async Task A_message_that_is_no_job_is_answered_with_what_is_wrong_and_the_next_one_is_run()
    {
        await using var scene = await AgentScene.StartAsync(broker, slots: 1);
        await scene.Raw.PostAsync(new byte[] { 0xc1, 2, 3 }, scene.Replies, "c-1");
        await scene.Raw.PostAsync(Wire.Pack.Value(Wire.Samples.JobOfStep(("cwd", "relative"))), scene.Replies);
        await scene.Raw.PostAsync(new byte[(32 << 20) + 1], scene.Replies, "c-3");
        await scene.PostAsync(AgentScene.Job("good"));

        var garbage = await scene.NextReplyAsync();
        var refused = JobResultCodec.Decode(garbage.Body);
        Assert.Equal(("c-1", "", Outcome.RejectedSpec), (garbage.BasicProperties.CorrelationId, refused.JobId, refused.Report.Outcome));
        var broken = await scene.NextResultAsync();
        Assert.Equal(("job-1", "steps[0].cwd", Outcome.RejectedSpec), (broken.JobId, broken.Report.Field, broken.Report.Outcome));
        Assert.Contains("32 MiB", (await scene.NextResultAsync()).Report.Message, StringComparison.Ordinal);
        Assert.Equal(Outcome.Ok, (await scene.NextResultAsync()).Report.Outcome);
        Assert.Equal(["ctg-good-1"], scene.Engine.Runs.Keys);
        await scene.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_message_that_is_no_job_and_has_nobody_to_answer_to_goes_to_the_dead_letters()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        await scene.Raw.PostAsync(new byte[] { 0xc1, 2, 3 }, replyTo: null);
        Assert.Equal(new byte[] { 0xc1, 2, 3 }, (await scene.Raw.TakeAsync(scene.Options.DeadQueue)).Body.ToArray());
        await scene.AssertNothingLeftAsync();
    }

    /// <summary>Ten thousand with --soak. Each is a round trip or two of a queue on disk, which takes as long as it takes.</summary>
    [Fact]
    public async Task R1_A_flood_of_messages_that_are_no_jobs_goes_to_the_dead_letters_and_the_agent_goes_on()
    {
        var count = Soak.IsAsked ? 10_000 : 1_000;
        await using var scene = await AgentScene.StartAsync(broker);
        var random = new Random(1);
        var posts = Enumerable.Range(0, count).Select(_ =>
        {
            var bytes = new byte[random.Next(1, 100)];
            random.NextBytes(bytes);
            return bytes;
        }).ToArray();
        foreach (var batch in posts.Chunk(100)) await Task.WhenAll(batch.Select(bytes => scene.Raw.PostAsync(bytes, replyTo: null)));
        await scene.Raw.WaitForReadyAsync(scene.Options.DeadQueue, (uint)count);
        await scene.PostAsync(AgentScene.Job("good"));
        Assert.Equal("good", (await scene.NextResultAsync()).JobId);
    }

    [Fact]
    public async Task A_job_without_reply_to_is_run_and_acknowledged()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        await scene.Raw.PostAsync(JobCodec.Encode(AgentScene.Job("quiet")), replyTo: null);
        await scene.Engine.WaitForStartAsync();
        await scene.AssertNothingLeftAsync();
        Assert.Contains("job quiet attempt 1 finished: Ok", scene.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reply_queue_that_is_gone_loses_its_result_and_nothing_else()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        await scene.Raw.PostAsync(JobCodec.Encode(AgentScene.Job("lost")), "no-such-queue");
        await scene.PostAsync(AgentScene.Job("good"));
        Assert.Equal("good", (await scene.NextResultAsync()).JobId);
        await scene.AssertNothingLeftAsync();
        Assert.Equal(0u, await scene.Raw.CountReadyAsync(scene.Options.DeadQueue));
        Assert.Contains("result of lost has nobody to go to", scene.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_result_that_the_broker_refuses_sends_its_job_to_the_dead_letters()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        var full = new Dictionary<string, object?> { ["x-max-length"] = 0, ["x-overflow"] = "reject-publish" };
        var queue = await scene.Raw.Channel.QueueDeclareAsync("", durable: false, exclusive: true, autoDelete: true, full);
        await scene.Raw.PostAsync(JobCodec.Encode(AgentScene.Job("refused")), queue.QueueName);
        Assert.Equal("refused", JobCodec.Decode((await scene.Raw.TakeAsync(scene.Options.DeadQueue)).Body).JobId);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_fault_of_the_engine_is_an_outcome_and_the_agent_goes_on(Exception fault, Outcome outcome, string field, string message)
    {
        await using var scene = await AgentScene.StartAsync(broker);
        scene.Engine.Behaviour = (request, _) => request.Id.Value.Contains("bad", StringComparison.Ordinal) ? throw fault : Task.FromResult(FakeEngine.Ok());
        await scene.PostAsync(AgentScene.Job("bad"));
        var result = await scene.NextResultAsync();
        Assert.Equal((outcome, field), (result.Report.Outcome, result.Report.Field));
        Assert.Contains(message, result.Report.Message, StringComparison.Ordinal);
        await scene.PostAsync(AgentScene.Job("good"));
        Assert.Equal(Outcome.Ok, (await scene.NextResultAsync()).Report.Outcome);
        await scene.AssertNothingLeftAsync();
    }

    public static TheoryData<Exception, Outcome, string, string> Faults() => new()
    {
        { new RejectedRequestException("steps[0].user", "No such user."), Outcome.RejectedSpec, "steps[0].user", "No such user." },
        { new ImageUnavailableException("alpine", "No image alpine is imported; imported are: gcc."), Outcome.ImageUnavailable, "image", "imported are: gcc" },
        { new StageException(Stage.CloneRootfs, "no space left"), Outcome.InternalError, "", "CloneRootfs: no space left" },
        { new InvalidOperationException("secret detail"), Outcome.InternalError, "", "grader-1 failed (InvalidOperationException)" },
        { new OperationCanceledException(), Outcome.InternalError, "", "OperationCanceledException" },
    };

    [Fact]
    public async Task K4_A_job_that_the_host_has_no_room_for_is_run_when_it_has()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        var tries = 0;
        scene.Engine.Behaviour = (_, _) => ++tries < 3 ? throw new CapacityException("All 64 slices are in use.") : Task.FromResult(FakeEngine.Ok());
        await scene.PostAsync(AgentScene.Job("patient"));
        Assert.Equal(Outcome.Ok, (await scene.NextResultAsync()).Report.Outcome);
        Assert.Equal(3, tries);
        await scene.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_result_larger_than_a_message_is_shortened_and_says_so()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        var step = new StepReport { Outcome = Outcome.Ok, Stdout = new byte[8 << 20], Stderr = "short"u8.ToArray() };
        scene.Engine.Behaviour = (_, _) => Task.FromResult(new RunReport
        {
            Outcome = Outcome.Ok,
            Steps = [step, step, step],
            Outputs = [OutputFile.Returned("/big", 9 << 20, new byte[9 << 20])],
        });
        await scene.PostAsync(AgentScene.Job("large"));
        var reply = await scene.NextReplyAsync();
        Assert.InRange(reply.Body.Length, 1 << 20, 15 << 20);
        var report = JobResultCodec.Decode(reply.Body).Report;
        Assert.Equal((OutputStatus.TooLarge, 9L << 20, 0), (report.Outputs[0].Status, report.Outputs[0].Size, report.Outputs[0].Content.Length));
        Assert.Equal((true, 0), (report.OutputsTruncated, report.Outputs[0].Sha256.Length));
        Assert.All(report.Steps, shortened => Assert.Equal(EvidenceFlags.StdoutTruncated, shortened.Evidence.Flags));
        Assert.Equal("short"u8.ToArray(), report.Steps[2].Stderr.ToArray());
    }

    [Fact]
    public async Task Neither_the_password_nor_what_a_job_holds_is_logged()
    {
        await using var scene = await AgentScene.StartAsync(broker);
        scene.Engine.Behaviour = (_, _) => Task.FromResult(FakeEngine.Ok("XSECRETX of stdout"));
        await scene.PostAsync(AgentScene.Job("job-1", content: "XSECRETX of stdin"));
        _ = await scene.NextResultAsync();
        await scene.Raw.PostAsync(Wire.Pack.Value(Wire.Samples.JobOfStep(("cwd", "XSECRETX"), ("args", new[] { "XSECRETX" }))), scene.Replies);
        _ = await scene.NextResultAsync();
        await scene.AssertNothingLeftAsync();

        Assert.DoesNotContain("XSECRETX", scene.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(":guest", scene.Log.Text, StringComparison.Ordinal);
        Assert.Contains("refused: field steps[0].cwd", scene.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_a_hosted_service()
    {
        var options = broker.NewOptions();
        await using var raw = await RawClient.ConnectAsync(broker.Uri, options);
        var engine = new FakeEngine();
        var host = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        host.Services.AddAgent(new AgentOptions { Name = "hosted", Slots = 2 }, _ => new SceneParts(new AgentOptions { Name = "hosted", Slots = 2 }, options, engine.RunAsync, NullLogger.Instance));
        using var running = host.Build();
        await running.StartAsync();
        await using var client = await JobSubmitter.ConnectAsync(options, default);
        Assert.Equal("hosted", (await client.SubmitAsync(AgentScene.Job("a"), default).WaitAsync(TimeSpan.FromSeconds(30))).Agent);
        await running.StopAsync();
    }

    [Fact]
    public async Task A_host_whose_broker_does_not_answer_does_not_start()
    {
        var host = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        host.Services.AddAgent(new AgentOptions(), _ => new SceneParts(new AgentOptions(), BrokerOptions.Parse("amqp://a:s3cret@127.0.0.1:1"), new FakeEngine().RunAsync, NullLogger.Instance));
        using var running = host.Build();
        var fault = await Assert.ThrowsAsync<ContingiousException>(() => running.StartAsync());
        Assert.StartsWith("No broker answers at 127.0.0.1:1", fault.Message, StringComparison.Ordinal);
    }
}
