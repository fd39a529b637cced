using System.Globalization;
using System.Text;

namespace Contingious.Agent.Wire;

/// <summary>
/// Where in a message a reader is. It is not unwound when a reader throws, so that who catches can tell where that was.
/// </summary>
internal sealed class FieldPath
{
    private readonly List<(string? Name, int Index)> parts = new(8);

    public void Enter(string name) => parts.Add((name, 0));

    public void Enter(int index) => parts.Add((null, index));

    public void Leave() => parts.RemoveAt(parts.Count - 1);

    /// <summary><c>steps[2].limits.memory_bytes</c>; empty for the whole message.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (name, index) in parts)
        {
            if (name is null) text.Append(CultureInfo.InvariantCulture, $"[{index}]");
            else text.Append(text.Length == 0 ? "" : ".").Append(name);
        }

        return text.ToString();
    }
}
