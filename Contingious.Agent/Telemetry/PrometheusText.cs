using System.Globalization;
using System.Text;

namespace Contingious.Agent.Telemetry;

/// <summary>
/// Prometheus' text format 0.0.4, and the names that OpenTelemetry's instruments have there.
/// Sources: prometheus.io/docs/instrumenting/exposition_formats, opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics.
/// </summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The name with its unit, and <c>_total</c> for what only grows: <c>contingious_sandbox_cloned_bytes_total</c>.</summary>
    public static string NameOf(string instrument, string? unit, bool isCounter)
    {
        var name = Clean(instrument, mayHaveColon: true);
        var suffix = unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" => isCounter ? "" : "_ratio",
            _ => "",
        };
        if (!name.EndsWith(suffix, StringComparison.Ordinal)) name += suffix;
        return isCounter && !name.EndsWith("_total", StringComparison.Ordinal) ? $"{name}_total" : name;
    }

    /// <summary>Tags as labels in a settled order: <c>class="exam",outcome="Ok"</c>.</summary>
    public static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length == 0) return "";
        var labels = new string[tags.Length];
        for (var i = 0; i < tags.Length; i++) labels[i] = $"{Clean(tags[i].Key, mayHaveColon: false)}=\"{Escape(TextOf(tags[i].Value), isLabel: true)}\"";
        Array.Sort(labels, StringComparer.Ordinal);
        return string.Join(',', labels);
    }

    /// <summary>Writes an instrument with all its series; nothing where it has none.</summary>
    public static void Write(StringBuilder text, MetricFamily family)
    {
        var started = false;
        family.Look(series =>
        {
            if (!started) text.Append(CultureInfo.InvariantCulture, $"# HELP {family.Name} {Escape(family.Help, isLabel: false)}\n# TYPE {family.Name} {TypeOf(family)}\n");
            started = true;
            if (family.IsHistogram) WriteHistogram(text, family, series);
            else Line(text, family.Name, series.Labels, series.Value);
        });
    }

    private static void WriteHistogram(StringBuilder text, MetricFamily family, MetricSeries series)
    {
        var below = 0L;
        for (var i = 0; i < series.Buckets.Length; i++)
        {
            below += series.Buckets[i];
            var bound = i < family.Bounds.Count ? Number(family.Bounds[i]) : "+Inf";
            Line(text, $"{family.Name}_bucket", $"{series.Labels}{(series.Labels.Length > 0 ? "," : "")}le=\"{bound}\"", below);
        }

        Line(text, $"{family.Name}_sum", series.Labels, series.Value);
        Line(text, $"{family.Name}_count", series.Labels, series.Count);
    }

    private static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string TypeOf(MetricFamily family) => family switch
    {
        { IsHistogram: true } => "histogram",
        { IsCounter: true } => "counter",
        _ => "gauge",
    };

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    private static string TextOf(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Escape(string text, bool isLabel)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return isLabel ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Clean(string name, bool mayHaveColon)
    {
        var clean = string.Create(name.Length, (name, mayHaveColon), static (letters, from) =>
        {
            for (var i = 0; i < letters.Length; i++) letters[i] = char.IsAsciiLetterOrDigit(from.name[i]) || (from.mayHaveColon && from.name[i] == ':') ? from.name[i] : '_';
        });
        return clean.Length == 0 || char.IsAsciiDigit(clean[0]) ? $"_{clean}" : clean;
    }
}
