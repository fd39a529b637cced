using System.Text;

namespace Contingious.Engine.Images;

/// <summary>One component of a <see cref="SplitPattern"/>: <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[!a-z]</c>, and a backslash before what is meant as it is (glob(7)).</summary>
internal sealed class SplitGlob
{
    private readonly Token[] tokens;

    private SplitGlob(Token[] tokens) => this.tokens = tokens;

    public static SplitGlob Anything { get; } = new([Token.Many]);

    /// <summary>The one name that it matches; nothing where there are wildcards.</summary>
    public string? Literal => tokens.All(token => token.Single is not null) ? string.Concat(tokens.Select(token => new Rune(token.Single ?? 0).ToString())) : null;

    /// <summary>Nothing where it is none: a bracket that is not closed, or a backslash at the end.</summary>
    public static SplitGlob? Parse(string text)
    {
        var tokens = new List<Token>();
        var runes = text.EnumerateRunes().Select(rune => rune.Value).ToArray();
        for (var i = 0; i < runes.Length; i++)
        {
            switch (runes[i])
            {
                case '*':
                    // More of them mean the same.
                    if (tokens.Count == 0 || !tokens[^1].IsMany) tokens.Add(Token.Many);
                    break;
                case '?':
                    tokens.Add(Token.One);
                    break;
                case '[':
                    if (ParseSet(runes, ref i) is not { } set) return null;
                    tokens.Add(set);
                    break;
                case '\\':
                    if (++i == runes.Length) return null;
                    tokens.Add(Token.Of(runes[i]));
                    break;
                default:
                    tokens.Add(Token.Of(runes[i]));
                    break;
            }
        }

        return new SplitGlob([.. tokens]);
    }

    /// <param name="name">As <see cref="SplitPattern.Characters"/> gives it.</param>
    public bool Matches(ReadOnlySpan<int> name)
    {
        // Going back to the last * alone is enough: the time is the product of both lengths at the worst.
        var (at, token, star, resumed) = (0, 0, -1, 0);
        while (at < name.Length)
        {
            if (token < tokens.Length && !tokens[token].IsMany && tokens[token].Matches(name[at]))
            {
                at++;
                token++;
            }
            else if (token < tokens.Length && tokens[token].IsMany)
            {
                (star, resumed) = (token++, at);
            }
            else if (star >= 0)
            {
                (token, at) = (star + 1, ++resumed);
            }
            else
            {
                return false;
            }
        }

        while (token < tokens.Length && tokens[token].IsMany) token++;
        return token == tokens.Length;
    }

    private static Token? ParseSet(int[] runes, ref int i)
    {
        var ranges = new List<(int First, int Last)>();
        var negated = i + 1 < runes.Length && runes[i + 1] is ('!' or '^');
        if (negated) i++;

        // A bracket that comes first is a member (glob(7)).
        for (var first = true; ; first = false)
        {
            if (++i >= runes.Length) return null;
            if (runes[i] == ']' && !first) return Token.In(ranges, negated);
            if (runes[i] == '\\' && ++i >= runes.Length) return null;
            var (from, to) = (runes[i], runes[i]);
            if (i + 2 < runes.Length && runes[i + 1] == '-' && runes[i + 2] != ']')
            {
                i += 2;
                if (runes[i] == '\\' && ++i >= runes.Length) return null;
                to = runes[i];
            }

            ranges.Add((from, to));
        }
    }

    private sealed record Token(bool IsMany, IReadOnlyList<(int First, int Last)>? Ranges, bool IsNegated)
    {
        public static Token Many { get; } = new(true, null, false);

        public static Token One { get; } = new(false, null, false);

        /// <summary>The one character that it matches, where there is but one.</summary>
        public int? Single { get; private init; }

        public static Token Of(int character) => new(false, [(character, character)], false) { Single = character };

        public static Token In(IReadOnlyList<(int First, int Last)> ranges, bool negated) => new(false, ranges, negated);

        public bool Matches(int character)
        {
            if (Ranges is null) return true;
            foreach (var (first, last) in Ranges)
            {
                if (character >= first && character <= last) return !IsNegated;
            }

            return IsNegated;
        }
    }
}
