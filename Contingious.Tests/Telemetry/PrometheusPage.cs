using System.Globalization;
using System.Text.RegularExpressions;

namespace Contingious.Tests.Telemetry;

/// <summary>Reads Prometheus' text format 0.0.4 as strictly as its own parser does, and holds what it says.</summary>
internal sealed partial class PrometheusPage
{
    private readonly List<(string Name, IReadOnlyDictionary<string, string> Labels, double Value)> samples = [];

    private PrometheusPage()
    {
    }

    /// <summary>Types by family.</summary>
    public Dictionary<string, string> Types { get; } = [];

    public IReadOnlyList<(string Name, IReadOnlyDictionary<string, string> Labels, double Value)> Samples => samples;

    public static PrometheusPage Parse(string text)
    {
        Assert.True(text.Length == 0 || text.EndsWith('\n'), "the last line does not end");
        var page = new PrometheusPage();
        var family = "";
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Help().Match(line) is { Success: true } help)
            {
                family = help.Groups[1].Value;
                Assert.False(page.Types.ContainsKey(family), $"{family} comes twice");
            }
            else if (TypeLine().Match(line) is { Success: true } type)
            {
                Assert.Equal(family, type.Groups[1].Value);
                page.Types.Add(family, type.Groups[2].Value);
            }
            else
            {
                page.Take(line, family);
            }
        }

        page.CheckHistograms();
        return page;
    }

    public double Value(string name, params (string Name, string Value)[] labels) =>
        Samples.Single(sample => sample.Name == name && Array.TrueForAll(labels, label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).Value;

    private void Take(string line, string family)
    {
        var match = Sample().Match(line);
        Assert.True(match.Success, $"no sample: {line}");
        var name = match.Groups["name"].Value;
        Assert.True(name == family || (Types[family] == "histogram" && name[family.Length..] is "_bucket" or "_sum" or "_count"), $"{name} stands below {family}");
        var labels = new Dictionary<string, string>();
        foreach (Match label in Label().Matches(match.Groups["labels"].Value)) labels.Add(label.Groups[1].Value, Unescape(label.Groups[2].Value));
        Assert.DoesNotContain(samples, sample => sample.Name == name && sample.Labels.Count == labels.Count && sample.Labels.All(pair => labels.GetValueOrDefault(pair.Key) == pair.Value));
        samples.Add((name, labels, match.Groups["value"].Value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            var number => double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture),
        }));
    }

    private void CheckHistograms()
    {
        foreach (var family in Types.Where(type => type.Value == "histogram").Select(type => type.Key))
        {
            foreach (var series in Samples.Where(sample => sample.Name == $"{family}_bucket").GroupBy(sample => string.Join(',', sample.Labels.Where(label => label.Key != "le").OrderBy(label => label.Key, StringComparer.Ordinal))))
            {
                var buckets = series.ToList();
                Assert.Equal("+Inf", buckets[^1].Labels["le"]);
                Assert.Equal(buckets.Select(bucket => bucket.Value).Order(), buckets.Select(bucket => bucket.Value));
                var count = Samples.Single(sample => sample.Name == $"{family}_count" && string.Join(',', sample.Labels.OrderBy(label => label.Key, StringComparer.Ordinal)) == series.Key);
                Assert.Equal(count.Value, buckets[^1].Value);
            }
        }
    }

    private static string Unescape(string text) => text.Replace("\\n", "\n", StringComparison.Ordinal).Replace("\\\"", "\"", StringComparison.Ordinal).Replace("\\\\", "\\", StringComparison.Ordinal);

    [GeneratedRegex(@"^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .*$")]
    private static partial Regex Help();

    [GeneratedRegex(@"^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\n"])*",?)*)\})? (?<value>[+-]Inf|NaN|[-+0-9.eE]+)$""")]
    private static partial Regex Sample();

    [GeneratedRegex("""([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"(?:,|$)""")]
    private static partial Regex Label();
}
