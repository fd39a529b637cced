using Contingious.Engine.Programs;

namespace Contingious.Benchmarks;

/// <summary>Something that is measured: what is done before each run and not timed, and what is.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="Prepare">Makes things as they were.</param>
/// <param name="Commands">Run one after another.</param>
internal sealed record Contender(string Name, Func<Task> Prepare, string[][] Commands)
{
    private readonly List<Sample> samples = [];

    public TimeSpan Fastest => samples.Min(sample => sample.Elapsed);

    public TimeSpan Median => samples.Select(sample => sample.Elapsed).Order().ElementAt(samples.Count / 2);

    public TimeSpan Slowest => samples.Max(sample => sample.Elapsed);

    public long PeakResident => samples.Max(sample => sample.PeakResident);

    public async Task RunAsync(IReadOnlyDictionary<string, string> env, bool isCounted)
    {
        await Prepare().ConfigureAwait(false);

        // Ours waits until the file system is on disk: not until what the one before wrote is, too.
        _ = await ProgramRunner.RequireAsync(new ProgramRequest("sync"), CancellationToken.None).ConfigureAwait(false);
        var sample = await Sample.TakeAsync(env, Commands).ConfigureAwait(false);
        if (isCounted) samples.Add(sample);
    }
}
