using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Tests.Support;
using RabbitMQ.Client;

namespace Contingious.Tests.Queue;

/// <summary>R5, R6: whoever decides a job first, all agents agree on it.</summary>
[Collection(BrokerTests.Name)]
public sealed class DecisionLogTests(PrivateBroker broker)
{
    [Fact]
    public void R5_A_job_that_is_decided_anew_outlives_the_record_that_was_forgotten()
    {
        var memory = new DecisionMemory(3, Contingious.Engine.Model.ByteSize.FromMiB(1));
        var again = DecisionMemory.Digest(Key("again"));
        Assert.True(memory.TryAdd(again, 1, new byte[1]));
        memory.Remove(again);
        for (var i = 0; i < 2; i++) Assert.True(memory.TryAdd(DecisionMemory.Digest(Key($"job-{i}")), 2 + i, new byte[1]));
        Assert.True(memory.TryAdd(again, 9, new byte[1]));
        Assert.True(memory.TryFind(again, out var offset, out _));
        Assert.Equal(9, offset);
    }

    [Fact]
    public async Task R5_The_first_result_of_a_job_is_final_and_every_later_one_gets_it()
    {
        await using var scene = await StartAsync();
        var log = await scene.NewDecisionsAsync();
        Assert.Null(await log.FindAsync(Key("a"), default));
        var decided = log.Decided(Key("a"));
        Assert.Equal("first", await DecideAsync(log, "a", "first"));
        await QueueScene.UntilAsync(() => decided.IsCancellationRequested, "who waits for the decision hears of it");
        Assert.Equal("first", await DecideAsync(log, "a", "second"));
        Assert.Equal("first", Text(await log.FindAsync(Key("a"), default)));
        Assert.Equal("other", await DecideAsync(log, "b", "other"));
        Assert.True(log.Decided(Key("b")).IsCancellationRequested);
    }

    [Fact]
    public async Task R5_Another_attempt_and_another_content_are_other_jobs()
    {
        await using var scene = await StartAsync();
        var log = await scene.NewDecisionsAsync();
        await DecideAsync(log, "a", "first");
        Assert.Null(await log.FindAsync(Key("a") with { Attempt = 2 }, default));
        Assert.Null(await log.FindAsync(Key("a") with { Content = new string('0', 64) }, default));
    }

    [Fact]
    public async Task R8_An_agent_that_starts_knows_what_was_decided_before()
    {
        await using var scene = await StartAsync();
        var before = await scene.NewDecisionsAsync();
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => DecideAsync(before, $"job-{i}", $"result {i}")));
        await before.DisposeAsync();
        var after = await scene.NewDecisionsAsync();
        Assert.Equal(300, after.Known);
        for (var i = 0; i < 300; i++) Assert.Equal($"result {i}", Text(await after.FindAsync(Key($"job-{i}"), default)));
    }

    [Fact]
    public async Task R14_Results_of_15_MiB_are_decided_found_again_and_not_kept_in_memory()
    {
        await using var scene = await StartAsync();
        var log = await scene.NewDecisionsAsync();
        var large = RandomNumberGenerator.GetBytes(15 << 20);
        for (var i = 0; i < 4; i++)
        {
            var other = large.ToArray();
            other[0] = (byte)i;
            Assert.True((await log.DecideAsync(Key($"large-{i}"), other, default)).Span.SequenceEqual(other));
        }

        var found = await log.FindAsync(Key("large-2"), default);
        Assert.Equal((15 << 20, 2), (found!.Value.Length, found.Value.Span[0]));
        var memory = new DecisionMemory(10, Contingious.Engine.Model.ByteSize.FromMiB(1));
        Assert.True(memory.TryAdd(DecisionMemory.Digest(Key("large")), 1, large));
        Assert.True(memory.TryFind(DecisionMemory.Digest(Key("large")), out var offset, out var body));
        Assert.Equal((1L, null), (offset, body));
    }

    [Fact]
    public async Task Records_that_are_none_of_ours_decide_nothing()
    {
        await using var scene = await StartAsync();
        // As an agent's answer to a job whose sender named the stream in reply_to.
        await scene.Raw.Channel.BasicPublishAsync("", scene.Options.DecisionsStream, true, new BasicProperties { CorrelationId = "a" }, new byte[] { 1 });
        var headers = new Dictionary<string, object?> { ["job-id"] = "a", ["attempt"] = "soon", ["content"] = new string('a', 64) };
        await scene.Raw.Channel.BasicPublishAsync("", scene.Options.DecisionsStream, true, new BasicProperties { Headers = headers }, new byte[] { 1 });
        var log = await scene.NewDecisionsAsync();
        Assert.Equal(0, log.Known);
        Assert.Equal("first", await DecideAsync(log, "a", "first"));
    }

    [Fact]
    public async Task R6_Two_agents_agree_on_every_job_over_connections_that_are_cut_again_and_again()
    {
        _ = broker.NewOptions();
        await using var oneProxy = new CuttableProxy(broker.Uri);
        await using var otherProxy = new CuttableProxy(broker.Uri);
        await using var scene = await StartAsync(oneProxy.Uri);
        await using var otherScene = new Another(BrokerOptions.Parse(otherProxy.Uri, scene.Options.Prefix));
        var logs = new[] { await scene.NewDecisionsAsync(), await otherScene.OpenAsync() };
        using var done = new CancellationTokenSource();
        var cutting = CutAsync([oneProxy, otherProxy], done.Token);
        var answers = new ConcurrentDictionary<string, ConcurrentBag<string>>();
        var random = new Random(7);
        var work = Enumerable.Range(0, 600).Select(i => (Job: $"job-{random.Next(150)}", Log: logs[random.Next(2)], Result: $"result {i}", Delay: random.Next(3_000))).ToList();
        await Task.WhenAll(work.Select(async each =>
        {
            await Task.Delay(each.Delay);
            answers.GetOrAdd(each.Job, _ => []).Add(await DecideAsync(each.Log, each.Job, each.Result));
        })).WaitAsync(TimeSpan.FromSeconds(120));
        await done.CancelAsync();
        await cutting;

        Assert.All(answers, job => Assert.Single(job.Value.Distinct()));
        var third = await scene.NewDecisionsAsync();
        foreach (var (job, said) in answers) Assert.Equal(said.First(), Text(await third.FindAsync(Key(job), default)));
    }

    [Fact]
    public async Task A_stream_that_was_deleted_is_made_again_and_deciding_goes_on()
    {
        await using var scene = await StartAsync();
        var log = await scene.NewDecisionsAsync();
        await DecideAsync(log, "a", "first");
        await scene.Raw.Channel.QueueDeleteAsync(scene.Options.DecisionsStream, ifUnused: false, ifEmpty: false);
        await QueueScene.UntilAsync(() => log.Known == 0, "the log noticed");
        Assert.Equal("new", await DecideAsync(log, "b", "new"));
        Assert.Equal("again", await DecideAsync(log, "a", "again"));
    }

    [Fact]
    public async Task Catching_up_shows_what_another_agent_decided_a_moment_ago()
    {
        await using var scene = await StartAsync();
        var (one, other) = (await scene.NewDecisionsAsync(), await scene.NewDecisionsAsync());
        for (var i = 0; i < 50; i++)
        {
            await DecideAsync(one, $"job-{i}", "first");
            await other.CatchUpAsync(default);
            Assert.Equal("first", Text(await other.FindAsync(Key($"job-{i}"), default)));
        }
    }

    [Fact]
    public void The_memory_is_bounded_in_keys_and_in_bytes()
    {
        var memory = new DecisionMemory(100, new Contingious.Engine.Model.ByteSize(1_000));
        for (var i = 0; i < 200; i++) memory.TryAdd((UInt128)i, i, new byte[100]);
        Assert.Equal(100, memory.Keys);
        Assert.False(memory.Knows(99));
        Assert.Equal(10, Enumerable.Range(100, 100).Count(i => memory.TryFind((UInt128)i, out _, out var body) && body is not null));
    }

    private static JobKey Key(string id) => new(id, 1, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id))));

    private static string Text(ReadOnlyMemory<byte>? body) => Encoding.UTF8.GetString(Assert.NotNull(body).Span);

    private static async Task<string> DecideAsync(DecisionLog log, string id, string result) => Text(await log.DecideAsync(Key(id), Encoding.UTF8.GetBytes(result), default));

    private static async Task CutAsync(IReadOnlyList<CuttableProxy> proxies, CancellationToken until)
    {
        for (var i = 0; !until.IsCancellationRequested && i < 8; i++)
        {
            await Task.Delay(400, until).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (i % 3 == 2)
            {
                foreach (var proxy in proxies) proxy.Cut();
            }
            else
            {
                proxies[i % 3].Cut();
            }
        }
    }

    private Task<QueueScene> StartAsync(string? uri = null)
    {
        var options = broker.NewOptions(uri);
        return QueueScene.StartAsync(broker.Uri, options);
    }

    /// <summary>A second agent's log, by a way of its own.</summary>
    private sealed class Another(BrokerOptions options) : IAsyncDisposable
    {
        private readonly Stack<IAsyncDisposable> parts = new();

        public async Task<DecisionLog> OpenAsync()
        {
            var logger = new ListLogger<Another>();
            var connection = await BrokerConnection.OpenAsync(options, "another", logger, default);
            parts.Push(connection);
            var log = await DecisionLog.OpenAsync(connection, connection, logger, default);
            parts.Push(log);
            return log;
        }

        public async ValueTask DisposeAsync()
        {
            while (parts.TryPop(out var part)) await part.DisposeAsync();
        }
    }
}
