using System.Collections.Concurrent;
using Contingious.Tests.Support;

namespace Contingious.Tests.Verdicts;

/// <summary>Every labelled program once, a few at a time; started by the first test that asks for one of them.</summary>
public sealed class CorpusRun : IDisposable
{
    private const int AtOnce = 2;

    private readonly SemaphoreSlim once = new(1);
    private Task<IReadOnlyDictionary<string, IReadOnlyList<string>>>? run;

    /// <summary>What is wrong with the verdict on one program.</summary>
    internal async Task<IReadOnlyList<string>> MismatchesOfAsync(string name, EngineFixture engine, VerdictImage image)
    {
        await once.WaitAsync();
        try
        {
            run ??= RunAsync(engine, image);
        }
        finally
        {
            once.Release();
        }

        return (await run)[name];
    }

    internal static async Task<IReadOnlyDictionary<string, IReadOnlyList<string>>> RunAsync(EngineFixture fixture, VerdictImage image)
    {
        var engine = await fixture.EngineAsync();
        await image.ImportAsync(fixture.Layout);
        var mismatches = new ConcurrentDictionary<string, IReadOnlyList<string>>();
        await Parallel.ForEachAsync(LabelledProgram.Names(), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (name, _) =>
        {
            try
            {
                var program = LabelledProgram.Load(name);
                mismatches[name] = program.Head.Expectation.Compare(await engine.RunAsync(program.ToRequest(fixture.NewId()), CancellationToken.None));
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // A fault of the engine is a wrong verdict too, and the others are still to be seen.
                mismatches[name] = [error.ToString()];
            }
        });
        return mismatches;
    }

    public void Dispose() => once.Dispose();
}
