using System.Text;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Tests.Support;
using RabbitMQ.Client;

namespace Contingious.Tests.Queue;

/// <summary>R6: several jobs of one sender, of which one goes wrong.</summary>
[Collection(OwnedBrokerTests.Name)]
public sealed class JobSubmitterTests(OwnedBroker broker)
{
    [Fact]
    public async Task R6_A_job_that_the_broker_refuses_fails_no_other_that_is_under_way()
    {
        await using var scene = await StartAsync();
        await using var sender = await JobSubmitter.ConnectAsync(scene.Options, default);
        await SetMostOfOneAsync(1_000_000);
        try
        {
            var small = Enumerable.Range(0, 60).Select(i => sender.SubmitAsync(Encoding.UTF8.GetBytes($"small {i}"), default)).ToList();
            var large = Enumerable.Range(0, 3).Select(_ => sender.SubmitAsync(new byte[2_000_000], default)).ToList();
            small.AddRange(Enumerable.Range(60, 60).Select(i => sender.SubmitAsync(Encoding.UTF8.GetBytes($"small {i}"), default)));
            foreach (var refused in large)
            {
                var fault = await Assert.ThrowsAsync<ContingiousException>(() => refused.WaitAsync(QueueScene.Patience));
                Assert.Contains("refused the job", fault.Message, StringComparison.Ordinal);
            }

            await AnswerAllAsync(scene, small).WaitAsync(QueueScene.Patience);
        }
        finally
        {
            await SetMostOfOneAsync(128 << 20);
        }
    }

    /// <summary>For channels that are opened from now on.</summary>
    private Task<string> SetMostOfOneAsync(int bytes) => broker.Process.ControlAsync("eval", $"application:set_env(rabbit, max_message_size, {bytes}), persistent_term:put(max_message_size, {bytes}).");

    /// <summary>As an agent does; the same job may come twice.</summary>
    private static async Task AnswerAllAsync(QueueScene scene, IReadOnlyList<Task<JobResult>> waiting)
    {
        var result = JobResultCodec.Encode(Wire.Samples.FullResult);
        while (!waiting.All(job => job.IsCompleted))
        {
            if (await scene.Raw.Channel.BasicGetAsync(scene.Options.JobsQueueOf(JobClass.Interactive), autoAck: true) is not { } job)
            {
                await Task.Delay(20);
                continue;
            }

            var properties = new BasicProperties { CorrelationId = job.BasicProperties.CorrelationId };
            await scene.Raw.Channel.BasicPublishAsync("", job.BasicProperties.ReplyTo!, mandatory: false, properties, result);
        }

        Assert.All(await Task.WhenAll(waiting), answer => Assert.Equal(Wire.Samples.FullResult.JobId, answer.JobId));
    }

    private Task<QueueScene> StartAsync()
    {
        var options = broker.NewOptions();
        return QueueScene.StartAsync(broker.Uri, options);
    }
}
