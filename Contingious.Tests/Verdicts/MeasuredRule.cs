using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Contingious.Engine.Model;

namespace Contingious.Tests.Verdicts;

/// <summary>One word of a line <c>measured: OomKills&gt;=1 CpuTime&lt;300ms</c>: any figure of <see cref="Usage"/> or <see cref="Evidence"/>.</summary>
internal sealed partial record MeasuredRule(string Text, PropertyInfo Figure, string Operator, double Bound)
{
    private static readonly Type[] measurable = [typeof(int), typeof(long), typeof(ByteSize), typeof(TimeSpan)];

    public static MeasuredRule Parse(string text)
    {
        if (Form().Match(text) is not { Success: true } match) throw new FormatException($"'{text}' is not of the form Figure>=1, Figure<64m, Figure=2s");
        var figures = typeof(Usage).GetProperties().Concat(typeof(Evidence).GetProperties()).Where(property => measurable.Contains(property.PropertyType)).ToList();
        var figure = figures.Find(property => property.Name == match.Groups["figure"].Value)
            ?? throw new FormatException($"'{match.Groups["figure"].Value}' is none of {string.Join(", ", figures.Select(property => property.Name))}");
        var value = match.Groups["bound"].Value;
        var bound = figure.PropertyType == typeof(TimeSpan) ? ProgramHead.ParseTime(value).TotalSeconds : ProgramHead.ParseSize(value).Bytes;
        return new MeasuredRule(text, figure, match.Groups["operator"].Value, bound);
    }

    public bool Holds(StepReport step) => Operator switch
    {
        "<" => Of(step) < Bound,
        "<=" => Of(step) <= Bound,
        ">" => Of(step) > Bound,
        ">=" => Of(step) >= Bound,
        _ => Of(step).Equals(Bound),
    };

    /// <summary>In bytes, seconds or pieces.</summary>
    public double Of(StepReport step)
    {
        var figure = Figure.GetValue(Figure.DeclaringType == typeof(Usage) ? step.Usage : step.Evidence);
        return figure switch
        {
            ByteSize size => size.Bytes,
            TimeSpan time => time.TotalSeconds,
            _ => Convert.ToDouble(figure, CultureInfo.InvariantCulture),
        };
    }

    [GeneratedRegex("^(?<figure>[A-Za-z]+)(?<operator><=|>=|<|>|=)(?<bound>[0-9]+[a-z]*)$")]
    private static partial Regex Form();
}
