using Contingious.Engine.Model;

namespace Contingious.Tests.Verdicts;

/// <summary>A small program whose fate is known, and written at its head.</summary>
/// <param name="Name">Its folder and file, such as <c>c/aborts</c>.</param>
/// <param name="Source">The whole file.</param>
internal sealed record LabelledProgram(string Name, byte[] Source, ProgramHead Head)
{
    /// <summary>What the programs are written in: each is a folder and the ending of the files in it.</summary>
    public static IReadOnlyList<string> Languages { get; } = ["c", "sh", "awk", "py"];

    private static string Directory => Path.Combine(AppContext.BaseDirectory, "Verdicts", "Programs");

    private string Language => Name[..Name.IndexOf('/', StringComparison.Ordinal)];

    private string FileName => $"{Name[(Language.Length + 1)..]}.{Language}";

    public static IReadOnlyList<string> Names() =>
    [
        .. System.IO.Directory.EnumerateFiles(Directory, "*", SearchOption.AllDirectories)
            .Select(path => Path.ChangeExtension(Path.GetRelativePath(Directory, path), null))
            .Order(StringComparer.Ordinal),
    ];

    /// <exception cref="FormatException">Its head is malformed; says where.</exception>
    public static LabelledProgram Load(string name)
    {
        var language = name[..name.IndexOf('/', StringComparison.Ordinal)];
        if (!Languages.Contains(language)) throw new FormatException($"{name}: '{language}' is none of the languages {string.Join(", ", Languages)}.");
        var path = Path.Combine(Directory, $"{name}.{language}");
        return new LabelledProgram(name, File.ReadAllBytes(path), ProgramHead.Parse($"{name}.{language}", File.ReadAllText(path), language == "c" ? "//" : "#"));
    }

    public RunRequest ToRequest(SandboxId id)
    {
        var step = new StepRequest { Name = "step", Args = Args(), Stdin = Head.Stdin, Limits = Head.Limits };
        var source = Head.SentWithCrLf ? System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(Source).Replace("\n", "\r\n", StringComparison.Ordinal)) : Source;
        IReadOnlyList<InputFile> files = Language == "c" ? [] : [new InputFile(FileName, source, Head.SentExecutable)];
        return new RunRequest { Id = id, Image = VerdictImage.Name, Steps = [step], Files = files, Limits = Head.Limits };
    }

    private string[] Args() => (Head.Run, Language) switch
    {
        ({ } given, _) => given,
        (_, "c") => [$"{VerdictImage.ProgramDirectory}/{Path.GetFileNameWithoutExtension(FileName)}"],
        (_, "awk") => ["awk", "-f", FileName],
        (_, "py") => ["python3", FileName],
        _ => ["sh", FileName],
    };
}
