using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace Contingious.Agent.Telemetry;

/// <summary>Listens to the meters of this program and keeps what they say, for whoever reads it as text.</summary>
internal sealed class MetricsReader : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly ConcurrentDictionary<Instrument, MetricFamily> families = new();
    private readonly Lock reading = new();

    /// <param name="meters">Their names.</param>
    public MetricsReader(params string[] meters)
    {
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (!meters.Contains(instrument.Meter.Name)) return;
            var family = families.GetOrAdd(instrument, made => new MetricFamily(made));
            own.EnableMeasurementEvents(instrument, family);
        };
        // An instrument whose meter was disposed of is over.
        listener.MeasurementsCompleted = (instrument, _) => families.TryRemove(instrument, out var _);
        listener.SetMeasurementEventCallback<long>((_, value, tags, state) => (state as MetricFamily)?.Measure(value, tags));
        listener.SetMeasurementEventCallback<int>((_, value, tags, state) => (state as MetricFamily)?.Measure(value, tags));
        listener.SetMeasurementEventCallback<double>((_, value, tags, state) => (state as MetricFamily)?.Measure(value, tags));
        listener.Start();
    }

    /// <summary>All that is known now, in the order of the names.</summary>
    public string Read()
    {
        lock (reading)
        {
            var now = families.Values.OrderBy(family => family.Name, StringComparer.Ordinal).ToList();
            foreach (var family in now.Where(family => family.IsObserved)) family.Forget();
            listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var family in now.DistinctBy(family => family.Name)) PrometheusText.Write(text, family);
            return text.ToString();
        }
    }

    public void Dispose() => listener.Dispose();
}
