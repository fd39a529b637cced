namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>SplitMix64: a case's own numbers follow from the run's seed and the case's number alone, and cost nothing to begin.</summary>
internal struct FuzzRandom(ulong seed, long number)
{
    private ulong state = seed + ((ulong)number * 0x9E3779B97F4A7C15);

    public ulong Next()
    {
        state += 0x9E3779B97F4A7C15;
        var mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <returns>0 to less than <paramref name="below"/>, which is more than 0.</returns>
    public int Next(int below) => (int)(Next() % (ulong)below);
}
