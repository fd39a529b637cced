using Contingious.Benchmarks;
using Contingious.Engine;

// Inside the keeper, as eng/benchmark.sh starts it: contingious unshare -- Contingious.Benchmarks import LAYOUT SCRATCH ROUNDS
if (args is not ["import", var layout, var scratch, var rounds] || !int.TryParse(rounds, out var count) || count < 1)
{
    Console.Error.WriteLine("usage: Contingious.Benchmarks import LAYOUT SCRATCH ROUNDS   (eng/benchmark.sh makes the layout and starts it in the right place)");
    return 2;
}

try
{
    await new ImportBenchmark(Path.GetFullPath(layout), Path.GetFullPath(scratch)).RunAsync(count, Console.Out);
    return 0;
}
catch (ContingiousException error)
{
    Console.Error.WriteLine($"Contingious.Benchmarks: {error.Message}");
    return 1;
}
