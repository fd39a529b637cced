using System.Collections.Concurrent;
using System.Security.Cryptography;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using RabbitMQ.Client.Exceptions;

namespace Contingious.Tests.Integration.Delivery;

/// <summary>
/// A sender that is none of ours: posts to the class queues until the broker has confirmed each message, through whatever happens to the broker,
/// and keeps every answer that ever comes to its queue, whether it is the first or the fifth for a job.
/// </summary>
internal sealed class Mail : IAsyncDisposable
{
    private readonly BrokerOptions broker;
    private readonly string replies = $"replies-{Guid.NewGuid():N}";
    private readonly ConcurrentDictionary<string, ConcurrentBag<Answer>> answers = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim opening = new(1, 1);
    private IConnection? connection;
    private IChannel? channel;

    private Mail(BrokerOptions broker) => this.broker = broker;

    /// <summary>Every answer, by job id.</summary>
    public IReadOnlyDictionary<string, ConcurrentBag<Answer>> Answers => answers;

    public static async Task<Mail> OpenAsync(BrokerOptions broker)
    {
        var mail = new Mail(broker);
        await mail.ChannelAsync();
        return mail;
    }

    /// <summary>Posts until the broker has it.</summary>
    public async Task PostAsync(ReadOnlyMemory<byte> body, JobClass to, bool withReply = true)
    {
        var properties = new BasicProperties { Persistent = true, ContentType = WireFormat.ContentType, CorrelationId = Guid.NewGuid().ToString("N") };
        if (withReply) properties.ReplyTo = replies;
        for (var i = 0; ; i++)
        {
            try
            {
                await (await ChannelAsync()).BasicPublishAsync("", broker.JobsQueueOf(to), mandatory: true, properties, body);
                return;
            }
            catch (Exception error) when (i < 600 && error is OperationInterruptedException or ObjectDisposedException or IOException or BrokerUnreachableException or PublishException)
            {
                await Task.Delay(200);
            }
        }
    }

    /// <summary>Waits until each of the jobs has an answer.</summary>
    public async Task WaitForAsync(IReadOnlyCollection<string> jobs, TimeSpan patience)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (jobs.Any(job => !answers.ContainsKey(job)))
        {
            if (waited.Elapsed > patience)
            {
                var missing = jobs.Where(job => !answers.ContainsKey(job)).ToList();
                Assert.Fail($"{missing.Count} of {jobs.Count} jobs have no answer after {patience}: {string.Join(' ', missing.Take(10))}");
            }

            await Task.Delay(50);
            _ = await ChannelAsync();
        }
    }

    /// <summary>Waits until so many jobs have an answer.</summary>
    public async Task WaitForAsync(int count, TimeSpan patience)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (answers.Count < count)
        {
            Assert.True(waited.Elapsed < patience, $"{answers.Count} jobs have an answer after {patience}, not {count}");
            await Task.Delay(20);
            _ = await ChannelAsync();
        }
    }

    /// <summary>Fails where two answers to one and the same job differ.</summary>
    public void AssertOneResultEach() => Assert.All(answers, job => Assert.Single(job.Value.Select(answer => answer.Hash).Distinct()));

    public async ValueTask DisposeAsync()
    {
        if (channel is { IsOpen: true }) await channel.QueueDeleteAsync(replies);
        if (connection is not null) await connection.DisposeAsync();
        opening.Dispose();
    }

    private async Task<IChannel> ChannelAsync()
    {
        await opening.WaitAsync();
        try
        {
            if (channel is { IsOpen: true }) return channel;
            if (connection is not null) await connection.DisposeAsync();
            connection = await ConnectAsync();
            var opened = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            await opened.QueueDeclareAsync(replies, durable: true, exclusive: false, autoDelete: false);
            var consumer = new AsyncEventingBasicConsumer(opened);
            consumer.ReceivedAsync += async (_, delivery) =>
            {
                Keep(delivery.Body.ToArray());
                await opened.BasicAckAsync(delivery.DeliveryTag, multiple: false);
            };
            await opened.BasicConsumeAsync(replies, autoAck: false, consumer);
            return channel = opened;
        }
        finally
        {
            opening.Release();
        }
    }

    private async Task<IConnection> ConnectAsync()
    {
        var factory = new ConnectionFactory { Uri = broker.Uri, AutomaticRecoveryEnabled = false };
        for (var i = 0; ; i++)
        {
            try
            {
                return await factory.CreateConnectionAsync();
            }
            catch (Exception error) when (i < 300 && error is BrokerUnreachableException or IOException or OperationInterruptedException)
            {
                await Task.Delay(200);
            }
        }
    }

    private void Keep(byte[] body)
    {
        var result = JobResultCodec.Decode(body);
        answers.GetOrAdd(result.JobId, _ => []).Add(new Answer(result, Convert.ToHexStringLower(SHA256.HashData(body))));
    }
}

/// <param name="Result">Decoded.</param>
/// <param name="Hash">Of all its bytes.</param>
internal sealed record Answer(JobResult Result, string Hash);
