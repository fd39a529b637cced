using Contingious.Tests.Support;

namespace Contingious.Tests.Integration.Delivery;

/// <summary>
/// Two agents of two accounts on one queue: as good as two hosts, as accounts share nothing. Run by root, who can start both, where a second
/// account is prepared: eng/checks/two-agents.sh makes one.
/// </summary>
[Collection(nameof(AloneOnTheHost))]
public sealed class TwoAgentsTests(PrivateBroker broker) : IClassFixture<PrivateBroker>
{
    private const int Jobs = 200;

    private static readonly string? second = Environment.GetEnvironmentVariable("CONTINGIOUS_SECOND_ACCOUNT");

    [Fact]
    public async Task Two_agents_share_a_queue_and_one_is_killed_in_the_middle_and_comes_back_later()
    {
        if (second is not { Length: > 0 }) Assert.Skip("Needs a second account: eng/checks/two-agents.sh");
        var options = broker.NewOptions();
        var jobs = new MixedJobs("two", Jobs, seed: 2);
        await using var survivor = await AgentProcess.StartAsync(options, slots: 2);
        await using var mail = await Mail.OpenAsync(options);
        var posting = jobs.PostAsync(mail);
        await using (var victim = await AgentProcess.StartAsync(options, slots: 2, account: second))
        {
            // Both are at work then.
            await mail.WaitForAsync(Jobs / 4, TimeSpan.FromMinutes(2));
            await victim.KillAsync();
        }

        await mail.WaitForAsync(Jobs / 2, TimeSpan.FromMinutes(2));
        await using var returned = await AgentProcess.StartAsync(options, slots: 2, account: second);
        await posting;
        await mail.WaitForAsync(jobs.Ids, TimeSpan.FromMinutes(3));
        Assert.Equal((0, 0), (await returned.StopAsync(), await survivor.StopAsync()));

        mail.AssertOneResultEach();
        jobs.AssertRight(mail.Answers);
        var agents = mail.Answers.Values.SelectMany(answers => answers).Select(answer => answer.Result.Agent).Distinct();
        Assert.Equal(2, agents.Count());
    }
}
