namespace Contingious.Benchmarks;

/// <summary>What one thing took, again and again, in milliseconds.</summary>
/// <param name="name">As a table or a plot has it.</param>
internal sealed class Series(string name)
{
    private readonly Lock access = new();
    private readonly List<double> samples = [];

    public string Name { get; } = name;

    public int Count
    {
        get
        {
            lock (access) return samples.Count;
        }
    }

    public IReadOnlyList<double> Sorted
    {
        get
        {
            lock (access) return [.. samples.Order()];
        }
    }

    public double Median => At(0.5);

    /// <summary>The sample that so large a part of all is not above, from 0 to 1.</summary>
    public double At(double part)
    {
        var sorted = Sorted;
        return sorted.Count == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Count - 1, part * sorted.Count)];
    }

    /// <summary>The same samples by another name.</summary>
    public Series Named(string other)
    {
        var named = new Series(other);
        foreach (var value in Sorted) named.samples.Add(value);
        return named;
    }

    /// <summary>One figure, of whatever unit.</summary>
    public static Series Of(string name, double value)
    {
        var one = new Series(name);
        one.samples.Add(value);
        return one;
    }

    public void Add(TimeSpan elapsed)
    {
        lock (access) samples.Add(elapsed.TotalMilliseconds);
    }
}
