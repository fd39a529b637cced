using System.Text;

namespace Contingious.Agent.Cli.Manual;

/// <summary>Writes the language of man(7): the macros that a page of a command needs, and text that none of them is seen in.</summary>
internal sealed class Roff
{
    private readonly StringBuilder page = new();

    /// <param name="title">The page's name.</param>
    /// <param name="section">1 for commands, 5 for files.</param>
    /// <param name="date">Of the page, as <c>2026-01-31</c>.</param>
    /// <param name="version">Of the program.</param>
    public Roff(string title, int section, string date, string version)
    {
        page.Append(".\\\" Made from the program's own command tree and settings.\n");
        page.Append($".TH {Quoted(title)} {section} \"{date}\" {Quoted($"contingious {version}")}\n");
    }

    public void Section(string name) => page.Append($".SH {Quoted(name)}\n");

    /// <summary>A paragraph of running text.</summary>
    public void Paragraph(string text) => page.Append(".PP\n").Append(Text(text)).Append('\n');

    /// <summary>Running text right below a heading.</summary>
    public void Line(string marked) => page.Append(marked).Append('\n');

    /// <summary>A term with what it means, indented below it.</summary>
    /// <param name="marked">The term, as <see cref="Bold"/> and <see cref="Italic"/> made it.</param>
    /// <param name="text">What it means.</param>
    public void Item(string marked, string text) => page.Append(".TP\n").Append(marked).Append('\n').Append(Text(text)).Append('\n');

    /// <summary>Lines that are shown as they stand.</summary>
    public void Example(IEnumerable<string> lines)
    {
        page.Append(".PP\n.RS 4\n.nf\n");
        foreach (var line in lines) page.Append(Text(line)).Append('\n');
        page.Append(".fi\n.RE\n");
    }

    public static string Bold(string text) => $"\\fB{Escaped(text)}\\fR";

    public static string Italic(string text) => $"\\fI{Escaped(text)}\\fR";

    /// <summary>Text that starts a line: a dot there would be a request. (A quote is never written as such.)</summary>
    public static string Text(string text) => text.Length > 0 && text[0] == '.' ? $"\\&{Escaped(text)}" : Escaped(text);

    public override string ToString() => page.ToString();

    private static string Escaped(string text)
    {
        var escaped = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            escaped.Append(c switch
            {
                '\\' => "\\e",
                '-' => "\\-",
                '\'' => "\\(aq",
                '`' => "\\(ga",
                '^' => "\\(ha",
                '~' => "\\(ti",
                '"' => "\\(dq",
                '…' => "...",
                _ => c.ToString(),
            });
        }

        return escaped.ToString();
    }

    private static string Quoted(string text) => $"\"{Escaped(text)}\"";
}
