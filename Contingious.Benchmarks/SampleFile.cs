using System.Globalization;

namespace Contingious.Benchmarks;

/// <summary>Samples that several processes of one run wrote: a line each, the series' name, a tab, milliseconds (or whatever the series counts).</summary>
/// <param name="path">Where.</param>
internal sealed class SampleFile(string path)
{
    public void Append(IEnumerable<Series> series) =>
        File.AppendAllLines(path, series.SelectMany(one => one.Sorted.Select(value => string.Create(CultureInfo.InvariantCulture, $"{one.Name}\t{value:R}"))));

    public IReadOnlyDictionary<string, Series> Read()
    {
        var all = new Dictionary<string, Series>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path))
        {
            var fields = line.Split('\t');
            if (!all.TryGetValue(fields[0], out var series)) all.Add(fields[0], series = new Series(fields[0]));
            series.Add(TimeSpan.FromMilliseconds(double.Parse(fields[1], CultureInfo.InvariantCulture)));
        }

        return all;
    }
}
