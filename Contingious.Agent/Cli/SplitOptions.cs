using System.CommandLine;
using System.CommandLine.Parsing;
using Contingious.Engine.Images;
using Contingious.Importer;

namespace Contingious.Agent.Cli;

/// <summary>The rules on the command line: <c>--editable</c> and <c>--readonly</c>, whose order matters.</summary>
internal sealed class SplitOptions
{
    private const string EditableName = "--editable";
    private const string ReadOnlyName = "--readonly";

    private readonly Option<string[]> editable = new(EditableName) { Description = "a path or pattern that submissions write, in place of the recipe's rules or the usual set; the last rule that matches decides", HelpName = "PATTERN" };
    private readonly Option<string[]> readOnly = new(ReadOnlyName) { Description = "a path or pattern that stays read-only, such as /home/**/.cache; alone, it is added to the recipe's rules or the usual set", HelpName = "PATTERN" };

    public void AddTo(Command command)
    {
        command.Options.Add(editable);
        command.Options.Add(readOnly);
    }

    /// <summary>The request with the rules that were given, in their order.</summary>
    public static ImportRequest Apply(ParseResult parsed, ImportRequest request)
    {
        var rules = Rules(parsed.Tokens).ToList();
        return rules.Exists(rule => rule.IsEditable)
            ? request with { Editable = null, ReadOnly = [], Split = [], FurtherRules = rules }
            : request with { FurtherRules = rules };
    }

    // The parser keeps the order of one option's values and not that between two options; its tokens have it.
    private static IEnumerable<SplitRule> Rules(IReadOnlyList<Token> tokens)
    {
        for (var i = 0; i + 1 < tokens.Count; i++)
        {
            if (tokens[i].Type == TokenType.DoubleDash) yield break;
            if (tokens[i].Type != TokenType.Option || tokens[i].Value is not (EditableName or ReadOnlyName)) continue;
            yield return new SplitRule(tokens[i].Value == EditableName, tokens[i + 1].Value, tokens[i].Value);
        }
    }
}
