namespace Contingious.Agent.Cli;

/// <summary><c>contingious exec SANDBOX -- COMMAND…</c> in just these words, which mean the same to the parser.</summary>
internal sealed record PlainExec(string Sandbox, IReadOnlyList<string> Words)
{
    /// <summary>Nothing for what only the parser knows to read: options, files of arguments, what is left out.</summary>
    public static PlainExec? Of(string[] args) =>
        args is ["exec", var sandbox, "--", _, ..] && IsName(sandbox) ? new PlainExec(sandbox, args[3..]) : null;

    /// <summary>Becomes the runtime, and returns only where that cannot be.</summary>
    public int Run(IReadOnlyList<string> args) => ExecCommand.RunAsync(args, Sandbox, Words, isOnTerminal: false, CancellationToken.None).GetAwaiter().GetResult();

    private static bool IsName(string text)
    {
        foreach (var letter in text)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '_' or '.')) return false;
        }

        return text.Length > 0 && char.IsAsciiLetterOrDigit(text[0]);
    }
}
