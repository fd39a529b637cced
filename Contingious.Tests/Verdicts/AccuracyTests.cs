using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Verdicts;

/// <summary>
/// How near to the truth the figures are: programs that know what they use, against what is reported. Once with room for
/// a host that does other work; as a long test 20 times, to the last hundredth, with a table of the spread.
/// </summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class AccuracyTests(EngineFixture fixture, VerdictImage image)
{
    private const int SoakRuns = 20;

    private static readonly Limits roomy = Limits.Default with { CpuTime = TimeSpan.FromSeconds(20), WallTime = TimeSpan.FromSeconds(60), Memory = ByteSize.FromMiB(64), Processes = 128, Cpus = 2 };

    /// <summary>
    /// MiB: the kernel charges memory in batches of up to 64 pages on each CPU, ahead of its use (MEMCG_CHARGE_BATCH), also of what is taken off a peak as the
    /// runtime's own.
    /// </summary>
    private static readonly double Unsure = 0.25 * Environment.ProcessorCount;

    /// <summary>Programs of the folder Accuracy and one figure of each: what it must be, and what it may be where much else goes on.</summary>
    private static readonly Figure[] figures =
    [
        new("one-second-of-cpu", "CPU time", "s", step => step.Usage.CpuTime.TotalSeconds, (0.98, 1.02), (0.98, 1.3)),
        new("four-threads-of-half-a-second", "CPU time", "s", step => step.Usage.CpuTime.TotalSeconds, (1.95, 2.05), (1.95, 2.5)),
        new("hundred-children-of-ten-milliseconds", "CPU time", "s", step => step.Usage.CpuTime.TotalSeconds, (0.95, 1.05), (0.95, 1.5)),
        new("sleeps-one-second", "CPU time", "s", step => step.Usage.CpuTime.TotalSeconds, (0, 0.02), (0, 0.1)),
        new("sleeps-one-second", "wall time", "s", step => step.Usage.WallTime.TotalSeconds, (0.98, 1.02), (0.98, 2)),
        new("touches-50-mb", "peak memory", "MiB", step => step.Usage.PeakMemory.Bytes / (double)(1 << 20), (50 - Unsure, 54), (50 - Unsure, 56)),
    ];

    /// <summary>Programs of the corpus whose label is the whole truth about a limit.</summary>
    private static readonly string[] labelled =
    [
        "c/touches-65-mb-under-64", "c/only-a-child-is-killed-for-memory", "c/sixty-four-processes-fit", "c/sixty-fifth-process-is-refused",
        "c/writes-200-mb-with-a-disk-limit-below-memory", "sh/reads-more-than-its-memory",
    ];

    public static TheoryData<string> Programs => [.. figures.Select(figure => figure.Program).Distinct()];

    [Theory]
    [MemberData(nameof(Programs))]
    public async Task What_a_program_used_is_what_is_reported(string program)
    {
        var step = await RunAsync(program);
        foreach (var figure in figures.Where(figure => figure.Program == program))
        {
            Assert.True(figure.IsWithin(figure.OnABusyHost, step), $"{program}: {figure.What} {figure.Of(step):0.000} {figure.Unit} is not from {figure.OnABusyHost.Least} to {figure.OnABusyHost.Most}");
        }
    }

    [Fact]
    public async Task V6_Files_larger_than_the_memory_are_no_memory_verdict_where_the_disk_is_a_real_one()
    {
        await fixture.EngineAsync();
        await image.ImportAsync(fixture.Layout);
        var options = TestedEngine.Options with { Disk = new DiskPolicy { Backend = DiskBackend.Watched } };
        var engine = await SandboxEngine.OpenAsync(fixture.Layout, options, TimeProvider.System, NullLogger.Instance);
        var limits = roomy with { Disk = ByteSize.FromMiB(256), FileSize = ByteSize.FromGiB(1) };
        var step = new StepRequest { Name = "step", Args = [$"{VerdictImage.ProgramDirectory}/writes-200-mb"], Limits = limits };
        for (var number = 0; number < (Soak.IsAsked ? SoakRuns : 1); number++)
        {
            var report = await engine.RunAsync(new RunRequest { Id = fixture.NewId(), Image = VerdictImage.Name, Steps = [step], Limits = limits }, TestContext.Current.CancellationToken);
            Assert.True(report.Outcome == Outcome.Ok, $"{report.Outcome}: {report.Message}");
            Assert.Equal(0, report.Steps[0].Evidence.OomKills);
            Assert.InRange(report.Steps[0].Usage.DiskWritten.Bytes, ByteSize.FromMiB(195).Bytes, ByteSize.FromMiB(205).Bytes);
            Assert.InRange(report.Steps[0].Evidence.MemoryInFilesBytes, 0, ByteSize.FromMiB(1).Bytes);
        }
    }

    [Fact]
    public async Task Twenty_times_every_figure_is_right_to_the_hundredth()
    {
        Soak.Require();
        var lines = new List<string>();
        var wrong = new List<string>();
        foreach (var program in figures.Select(figure => figure.Program).Distinct())
        {
            var steps = new List<StepReport>();
            for (var number = 0; number < SoakRuns; number++) steps.Add(await RunAsync(program));
            foreach (var figure in figures.Where(figure => figure.Program == program))
            {
                lines.Add(figure.Line(steps));
                wrong.AddRange(steps.Where(step => !figure.IsWithin(figure.Alone, step)).Select(step => string.Create(CultureInfo.InvariantCulture, $"{program}: {figure.What} {figure.Of(step):0.0000} {figure.Unit}")));
            }
        }

        Console.WriteLine($"""
            | program | figure | least | median | most | must be |
            | --- | --- | --- | --- | --- | --- |
            {string.Join('\n', lines)}
            """);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Twenty_times_every_limit_is_met_at_the_same_place()
    {
        Soak.Require();
        var engine = await fixture.EngineAsync();
        await image.ImportAsync(fixture.Layout);
        var wrong = new List<string>();
        foreach (var program in labelled.Select(LabelledProgram.Load))
        {
            for (var number = 0; number < SoakRuns; number++)
            {
                var report = await engine.RunAsync(program.ToRequest(fixture.NewId()), TestContext.Current.CancellationToken);
                wrong.AddRange(program.Head.Expectation.Compare(report).Select(mismatch => $"{program.Name}: {mismatch}"));
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private async Task<StepReport> RunAsync(string program)
    {
        var engine = await fixture.EngineAsync();
        await image.ImportAsync(fixture.Layout);
        var step = new StepRequest { Name = program, Args = [$"{VerdictImage.ProgramDirectory}/{program}"], Limits = roomy };
        var report = await engine.RunAsync(new RunRequest { Id = fixture.NewId(), Image = VerdictImage.Name, Steps = [step], Limits = roomy }, TestContext.Current.CancellationToken);
        Assert.True(report.Outcome == Outcome.Ok, $"{program}: {report.Outcome}: {report.Message}");
        return report.Steps[0];
    }

    /// <param name="Alone">The bounds where nothing else goes on, both included.</param>
    /// <param name="OnABusyHost">Those that hold anyhow.</param>
    private sealed record Figure(string Program, string What, string Unit, Func<StepReport, double> Of, (double Least, double Most) Alone, (double Least, double Most) OnABusyHost)
    {
        public bool IsWithin((double Least, double Most) bounds, StepReport step) => Of(step) >= bounds.Least && Of(step) <= bounds.Most;

        public string Line(List<StepReport> steps)
        {
            var values = steps.Select(Of).Order().ToList();
            return string.Create(CultureInfo.InvariantCulture, $"| {Program} | {What}, {Unit} | {values[0]:0.0000} | {values[values.Count / 2]:0.0000} | {values[^1]:0.0000} | {Alone.Least} to {Alone.Most} |");
        }
    }
}
