using System.Text.Json;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Work.Inginious;

/// <summary>What a grader wrote into <see cref="InginiousTranslator.FeedbackPath"/>, checked as INGInious checks it: it may be the submission's own work.</summary>
internal sealed class InginiousFeedback
{
    private const int MostDepth = 32;

    private InginiousCode code = InginiousCode.Error;
    private string text = "";
    private double? grade;
    private string state = "";
    private string? stdout;
    private string? stderr;
    private JsonElement? problems;
    private JsonElement? tests;
    private JsonElement? custom;

    /// <exception cref="FormatException">It is no feedback; the message says what is wrong with it.</exception>
    public static InginiousFeedback Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MostDepth });
            var feedback = new InginiousFeedback();
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new FormatException("it is no JSON object.");
            ReadTexts(document.RootElement);
            foreach (var member in document.RootElement.EnumerateObject()) feedback.Take(member.Name, member.Value);
            return feedback;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: text that is not UTF-8, or half of a surrogate pair.
            throw new FormatException("it is not valid JSON.", error);
        }
    }

    /// <summary>Who is given no grade has all of it for a success and nothing otherwise.</summary>
    public InginiousResult ToResult(InginiousJob job) => new()
    {
        JobId = job.JobId,
        Code = code,
        Text = text,
        Grade = Math.Round(grade ?? (code == InginiousCode.Success ? 100 : 0), 2),
        Problems = problems,
        Tests = tests,
        Custom = custom,
        State = state,
        Stdout = job.Debug == InginiousDebug.On ? stdout : null,
        Stderr = job.Debug == InginiousDebug.On ? stderr : null,
    };

    /// <summary>Parsing looks at no text: one that is none would be found only when the answer is written. At most as deep as the document may be.</summary>
    private static void ReadTexts(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    _ = member.Name;
                    ReadTexts(member.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray()) ReadTexts(item);
                break;
            case JsonValueKind.String:
                _ = value.GetString();
                break;
        }
    }

    private void Take(string name, JsonElement value)
    {
        switch (name)
        {
            case "result": code = WireNames<InginiousCode>.Find(Text(name, value)) ?? throw new FormatException($"its result is none of: {string.Join(", ", WireNames<InginiousCode>.All)}."); break;
            case "text": text = Text(name, value); break;
            case "grade": grade = Grade(value); break;
            case "state": state = Text(name, value); break;
            case "stdout": stdout = Text(name, value); break;
            case "stderr": stderr = Text(name, value); break;
            case "problems": problems = Entries(name, value, star: false); break;
            case "tests": tests = Entries(name, value, star: true); break;
            case "custom": custom = Entries(name, value, star: false, flat: false); break;
            // Ours comes from /archive itself.
            case "archive": _ = Text(name, value); break;
            default: throw new FormatException($"it has {Escaped.Quote(name)}, which means nothing.");
        }
    }

    private static string Text(string name, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : throw new FormatException($"its {name} is no text.");

    private static double Grade(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : throw new FormatException("its grade is no number.");

    private static JsonElement Entries(string name, JsonElement value, bool star, bool flat = true)
    {
        if (value.ValueKind != JsonValueKind.Object) throw new FormatException($"its {name} is no object.");
        foreach (var member in value.EnumerateObject())
        {
            if (flat && !IsId(member.Name, star)) throw new FormatException($"its {name} has {Escaped.Quote(member.Name)}, which is no id.");
            if (flat && member.Value.ValueKind == JsonValueKind.Object) throw new FormatException($"its {name} has an object for {Escaped.Quote(member.Name)}.");
        }

        return value.Clone();
    }

    private static bool IsId(string id, bool star) =>
        id.Length > 0 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' || (star && c == '*'));
}
