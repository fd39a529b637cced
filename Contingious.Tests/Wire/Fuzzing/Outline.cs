using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>Where in a well-formed message its values are.</summary>
internal sealed class Outline
{
    private readonly byte[] message;
    private readonly List<Node> nodes = [];

    public Outline(byte[] message)
    {
        this.message = message;
        Walk(0);
    }

    /// <summary>Every value, in the order of their first bytes.</summary>
    public IReadOnlyList<Node> Nodes => nodes;

    private int Walk(int at)
    {
        var token = MessagePackToken.Parse(message.AsSpan(at));
        var index = nodes.Count;
        nodes.Add(default);
        var end = at + token.Size;
        if (token.Kind is MessagePackKind.Text or MessagePackKind.Binary or MessagePackKind.Extension) end += (int)token.Length;
        var children = token.Kind switch { MessagePackKind.Array => token.Length, MessagePackKind.Map => 2 * token.Length, _ => 0u };
        for (var i = 0u; i < children; i++) end = Walk(end);
        nodes[index] = new Node(token.Kind, at, token.Size, end);
        return end;
    }

    /// <param name="Kind">Of the value.</param>
    /// <param name="Start">Its first byte.</param>
    /// <param name="HeaderSize">Bytes before its payload or its items.</param>
    /// <param name="End">Behind its last byte.</param>
    public readonly record struct Node(MessagePackKind Kind, int Start, int HeaderSize, int End);
}
