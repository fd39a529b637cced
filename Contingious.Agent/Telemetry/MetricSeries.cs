using System.Diagnostics.Metrics;

namespace Contingious.Agent.Telemetry;

/// <summary>What was measured by one instrument under one set of tags. Its owner's lock guards it.</summary>
internal sealed class MetricSeries
{
    private readonly double[] bounds;

    /// <param name="labels">The tags as they are written, without braces; empty for none.</param>
    /// <param name="bounds">Upper bounds of a histogram's buckets, ascending; empty for other instruments.</param>
    public MetricSeries(string labels, double[] bounds)
    {
        Labels = labels;
        this.bounds = bounds;
        Buckets = new long[bounds.Length + 1];
    }

    public string Labels { get; }

    /// <summary>Counts of each bucket alone, the last for what is above all bounds.</summary>
    public long[] Buckets { get; }

    public long Count { get; private set; }

    /// <summary>The sum, or the newest value of an instrument that is observed.</summary>
    public double Value { get; private set; }

    public void Add(double value)
    {
        Value += value;
        Count++;
    }

    public void Replace(double value) => Value = value;

    public void Record(double value)
    {
        Add(value);
        var bucket = Array.FindIndex(bounds, bound => value <= bound);
        Buckets[bucket < 0 ? bounds.Length : bucket]++;
    }
}

/// <summary>One instrument of those that are listened to, with its series.</summary>
internal sealed class MetricFamily
{
    /// <summary>As OpenTelemetry's: beyond it, measurements go to one series that says so.</summary>
    public const int MostSeries = 2_000;

    private static readonly double[] usualBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    private readonly Dictionary<string, MetricSeries> series = new(StringComparer.Ordinal);
    private readonly Lock guard = new();
    private readonly double[] bounds = [];

    public MetricFamily(Instrument instrument)
    {
        Help = instrument.Description ?? "";
        var kind = instrument.GetType();
        IsObserved = instrument.IsObservable;
        IsHistogram = Is(typeof(Histogram<>));
        IsCounter = Is(typeof(Counter<>)) || Is(typeof(ObservableCounter<>));
        Name = PrometheusText.NameOf(instrument.Name, instrument.Unit, IsCounter);
        if (IsHistogram) bounds = (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries?.ToArray() ?? usualBounds;

        bool Is(Type generic) => kind.IsGenericType && kind.GetGenericTypeDefinition() == generic;
    }

    public string Name { get; }

    public string Help { get; }

    public bool IsHistogram { get; }

    public bool IsCounter { get; }

    public bool IsObserved { get; }

    public IReadOnlyList<double> Bounds => bounds;

    public void Measure(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = PrometheusText.LabelsOf(tags);
        lock (guard)
        {
            if (!series.TryGetValue(labels, out var one))
            {
                if (series.Count >= MostSeries) labels = "otel_metric_overflow=\"true\"";
                if (!series.TryGetValue(labels, out one)) series[labels] = one = new MetricSeries(labels, bounds);
            }

            if (IsHistogram) one.Record(value);
            else if (IsObserved) one.Replace(value);
            else one.Add(value);
        }
    }

    /// <summary>Has a look at all series at one moment, in a settled order.</summary>
    public void Look(Action<MetricSeries> look)
    {
        lock (guard)
        {
            foreach (var one in series.Values.OrderBy(one => one.Labels, StringComparer.Ordinal)) look(one);
        }
    }

    /// <summary>What is observed anew is not what was observed before.</summary>
    public void Forget()
    {
        lock (guard) series.Clear();
    }
}
