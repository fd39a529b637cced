using System.Diagnostics;
using System.Globalization;
using Contingious.Tests.Support;

namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>CONTINGIOUS_FUZZ_CASES and CONTINGIOUS_FUZZ_SEED make it another run; eng/test.sh --soak makes it ten million cases.</summary>
public sealed class FuzzTests
{
    private const long ShortRun = 100_000;
    private const long LongRun = 10_000_000;

    [Fact]
    public void R2_Whatever_comes_is_read_or_refused_in_bounded_time_and_memory()
    {
        var cases = Given("CONTINGIOUS_FUZZ_CASES") ?? (Soak.IsAsked ? LongRun : ShortRun);
        var seed = (ulong)(Given("CONTINGIOUS_FUZZ_SEED") ?? (Soak.IsAsked ? Stopwatch.GetTimestamp() : 20_261_122));
        var fuzzer = new Fuzzer(FuzzTarget.All, seed);
        var started = Stopwatch.GetTimestamp();
        fuzzer.Run(cases);
        var elapsed = Stopwatch.GetElapsedTime(started);
        var report = $"{cases:N0} cases with seed {seed} in {elapsed.TotalSeconds:N0} s ({cases / elapsed.TotalSeconds:N0} a second): {fuzzer.Summary}";
        TestContext.Current.TestOutputHelper?.WriteLine(report);
        if (Soak.IsAsked || Given("CONTINGIOUS_FUZZ_CASES") is not null) Console.Error.WriteLine(report);
        Assert.InRange(fuzzer.Refused, cases / 2, cases - 1);
    }

    private static long? Given(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? long.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) : null;
}
