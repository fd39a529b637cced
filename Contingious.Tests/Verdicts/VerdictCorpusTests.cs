using System.Diagnostics;
using Contingious.Tests.Support;

namespace Contingious.Tests.Verdicts;

/// <summary>Every labelled program gets the verdict on its label.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class VerdictCorpusTests(EngineFixture engine, VerdictImage image, CorpusRun run) : IClassFixture<CorpusRun>
{
    private const int SoakRuns = 10;

    public static TheoryData<string> Programs => [.. LabelledProgram.Names()];

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task The_verdict_is_the_one_on_the_label(string program)
    {
        var mismatches = await run.MismatchesOfAsync(program, engine, image);
        Assert.True(mismatches.Count == 0, $"{program}: {string.Join("; ", mismatches)}");
    }

    [Fact]
    public async Task Ten_runs_in_a_row_give_no_wrong_verdict()
    {
        Soak.Require();
        var wrong = new List<string>();
        for (var number = 1; number <= SoakRuns; number++) wrong.AddRange(await WrongAsync($"run {number}"));
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task No_verdict_is_wrong_while_every_core_is_busy_with_other_work()
    {
        Soak.Require();
        using var busy = new BusyCores();
        var wrong = await WrongAsync("busy");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private async Task<IReadOnlyList<string>> WrongAsync(string title)
    {
        var started = Stopwatch.GetTimestamp();
        var results = await CorpusRun.RunAsync(engine, image);
        var wrong = results.Where(result => result.Value.Count > 0).Select(result => $"{title}: {result.Key}: {string.Join("; ", result.Value)}").Order(StringComparer.Ordinal).ToList();
        Console.WriteLine($"verdicts, {title}: {results.Count} programs, {wrong.Count} wrong, {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s");
        return wrong;
    }
}
