namespace Contingious.Agent.Wire;

/// <summary>The members of an enum by name alone: never by number, never several in one text.</summary>
internal static class Names<T>
    where T : struct, Enum
{
    private static readonly T[] Members = Enum.GetValues<T>();

    public static IReadOnlyList<T> All => Members;

    public static T? Find(string name)
    {
        foreach (var member in Members)
        {
            if (member.ToString() == name) return member;
        }

        return null;
    }
}
