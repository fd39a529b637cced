using Contingious.Agent.Work;
using Contingious.Engine.Model;

namespace Contingious.Tests.Work;

public sealed class ResultMemoryTests
{
    private readonly ResultMemory memory = new(mostResults: 3, mostBytes: new ByteSize(100));
    private int runs;

    [Fact]
    public async Task The_result_that_was_asked_for_longest_ago_is_forgotten_first()
    {
        foreach (var job in new[] { "a", "b", "c", "a", "d" }) await RunAsync(job, 1);
        Assert.Equal(4, runs);
        await RunAsync("a", 1);
        Assert.Equal(4, runs);
        await RunAsync("b", 1);
        Assert.Equal(5, runs);
    }

    [Fact]
    public async Task Results_together_stay_within_their_bytes()
    {
        await RunAsync("a", 60);
        await RunAsync("b", 60);
        await RunAsync("b", 60);
        Assert.Equal(2, runs);
        await RunAsync("a", 60);
        Assert.Equal(3, runs);
    }

    [Fact]
    public async Task A_result_larger_than_all_may_be_is_answered_and_not_kept()
    {
        Assert.Equal(101, (await RunAsync("a", 101)).Length);
        Assert.Equal(101, (await RunAsync("a", 101)).Length);
        Assert.Equal(2, runs);
    }

    [Fact]
    public async Task A_run_that_fails_is_run_again()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => memory.GetOrRunAsync(new JobKey("a", 1, ""), () => throw new InvalidOperationException(), () => { }));
        Assert.Equal(1, (await RunAsync("a", 1)).Length);
    }

    private Task<ReadOnlyMemory<byte>> RunAsync(string job, int size) => memory.GetOrRunAsync(
        new JobKey(job, 1, ""),
        () =>
        {
            runs++;
            return Task.FromResult<ReadOnlyMemory<byte>>(new byte[size]);
        },
        () => { });
}
