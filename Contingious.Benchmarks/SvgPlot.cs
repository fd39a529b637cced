using System.Globalization;
using System.Security;
using System.Text;

namespace Contingious.Benchmarks;

/// <summary>Plots that any browser shows, without a library.</summary>
internal static class SvgPlot
{
    private const int Left = 300;
    private const int Width = 640;
    private const int RowHeight = 26;
    private const int Top = 48;

    /// <summary>A row for each series: a dot for each sample, on a logarithmic scale, and a stroke at the median.</summary>
    public static string Dots(string title, string unit, IReadOnlyList<Series> rows)
    {
        var (least, most) = (rows.Min(row => row.Sorted[0]), rows.Max(row => row.Sorted[^1]));
        var (low, high) = (Math.Floor(Math.Log10(least)), Math.Ceiling(Math.Log10(most)));
        double X(double value) => Left + ((Math.Log10(value) - low) / (high - low) * Width);
        var height = Top + (rows.Count * RowHeight) + 34;
        var svg = new StringBuilder();
        Line($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Left + Width + 90}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">");
        Line($"<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><text x=\"{Left}\" y=\"24\" font-size=\"16\">{SecurityElement.Escape(title)}, {SecurityElement.Escape(unit)} (logarithmic; | is the median)</text>");
        for (var power = low; power <= high; power++)
        {
            foreach (var factor in new[] { 1, 2, 5 })
            {
                var value = factor * Math.Pow(10, power);
                if (value > Math.Pow(10, high)) continue;
                Line($"<line x1=\"{X(value):F1}\" y1=\"{Top - 8}\" x2=\"{X(value):F1}\" y2=\"{height - 28}\" stroke=\"#ddd\"/><text x=\"{X(value):F1}\" y=\"{height - 10}\" text-anchor=\"middle\" fill=\"#555\">{value:0.###}</text>");
            }
        }

        for (var i = 0; i < rows.Count; i++)
        {
            var y = Top + (i * RowHeight) + (RowHeight / 2);
            Line($"<text x=\"{Left - 12}\" y=\"{y + 4}\" text-anchor=\"end\">{SecurityElement.Escape(rows[i].Name)}</text>");
            foreach (var value in rows[i].Sorted) Line($"<circle cx=\"{X(value):F1}\" cy=\"{y}\" r=\"3\" fill=\"#1f77b4\" fill-opacity=\"0.25\"/>");
            var median = rows[i].Median;
            Line($"<line x1=\"{X(median):F1}\" y1=\"{y - 9}\" x2=\"{X(median):F1}\" y2=\"{y + 9}\" stroke=\"#d62728\" stroke-width=\"2\"/><text x=\"{Left + Width + 12}\" y=\"{y + 4}\">{median:0.##}</text>");
        }

        svg.AppendLine("</svg>");
        return svg.ToString();

        void Line(FormattableString text) => svg.AppendLine(text.ToString(CultureInfo.InvariantCulture));
    }
}
