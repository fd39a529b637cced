using System.Globalization;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine.Model;
using Contingious.Tests.Work.Simulation;

namespace Contingious.Tests.Work;

/// <summary>
/// Two agents on two hosts, jobs of all kinds, and everything that can go wrong going wrong at random, each seed another way. However it
/// comes, every job has a result in the end, no job has two different ones, and the broker holds nothing any more.
/// </summary>
public sealed class ChaosTests
{
    private const int Seeds = 1_500;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void R3_R5_R6_R8_R10_Every_job_has_exactly_one_result_whatever_fails(int quarter)
    {
        var seeds = int.Parse(Environment.GetEnvironmentVariable("CONTINGIOUS_CHAOS_SEEDS") ?? $"{Seeds}", CultureInfo.InvariantCulture);
        for (var seed = quarter; seed < seeds; seed += 4) FakeWorld.Run(seed, Live);
    }

    private static void Live(FakeWorld world)
    {
        var chaos = new Chaos(world);
        chaos.Wreck(TimeSpan.FromSeconds(world.Random.Next(20, 120)));
        chaos.Heal();
        chaos.AssertAllIsWell();
    }
}
