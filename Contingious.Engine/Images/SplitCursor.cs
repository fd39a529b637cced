namespace Contingious.Engine.Images;

/// <summary>
/// One place of a rootfs as the rules of a <see cref="RootfsSplit"/> see it. A walk begins at <see cref="RootfsSplit.Root"/>
/// and goes from a directory to what is in it by <see cref="Enter"/>.
/// </summary>
public sealed class SplitCursor
{
    private readonly RootfsSplit split;
    private readonly ulong[] places;
    private readonly int decider;

    private SplitCursor(RootfsSplit split, ulong[] places, int decider, bool isEditable, bool isNamed)
    {
        this.split = split;
        this.places = places;
        this.decider = decider;
        IsEditable = isEditable;
        IsNamed = isNamed;
        MayDiffer = Differs();
    }

    /// <summary>What the rules say of this place.</summary>
    public bool IsEditable { get; }

    /// <summary>Whether the rule that decides speaks of this very place, and not of a directory above it.</summary>
    public bool IsNamed { get; }

    /// <summary>Whether the rules could say otherwise of anything below: what they really do, the tree tells.</summary>
    public bool MayDiffer { get; }

    /// <summary>An entry of this directory.</summary>
    public SplitCursor Enter(ReadOnlySpan<byte> name, bool isDirectory)
    {
        // Nothing below can be decided by another rule.
        if (Array.TrueForAll(places, place => place == 0)) return IsNamed ? new SplitCursor(split, places, decider, IsEditable, isNamed: false) : this;
        var characters = SplitPattern.Characters(name);
        var next = new ulong[places.Length];
        for (var i = 0; i < places.Length; i++)
        {
            if (places[i] != 0) next[i] = split.PatternAt(i).Step(places[i], characters);
        }

        return At(split, next, decider, IsEditable, isDirectory);
    }

    internal static SplitCursor AtRoot(RootfsSplit split) =>
        At(split, [.. Enumerable.Range(0, split.PatternCount).Select(i => split.PatternAt(i).Start)], -1, isEditable: false, isDirectory: true);

    private static SplitCursor At(RootfsSplit split, ulong[] places, int decider, bool isEditable, bool isDirectory)
    {
        var isNamed = false;
        for (var i = 0; i < split.Rules.Count; i++)
        {
            if (!Takes(split, places, i, isDirectory) || i <= decider) continue;
            (decider, isEditable, isNamed) = (i, split.Rules[i].IsEditable, true);
        }

        for (var i = split.Rules.Count; i < places.Length; i++)
        {
            // Those rules that spoke of this place or of one above it are silent below; those that speak of what is below are not.
            if (Takes(split, places, i, isDirectory) && !isEditable) (decider, isEditable, isNamed) = (-1, true, true);
        }

        return new SplitCursor(split, places, decider, isEditable, isNamed);
    }

    private static bool Takes(RootfsSplit split, ulong[] places, int i, bool isDirectory)
    {
        var pattern = split.PatternAt(i);
        if (!pattern.IsMatch(places[i]) || (pattern.DirectoriesOnly && !isDirectory)) return false;

        // What matches a directory holds for all that is below it: there is nothing left to look for.
        places[i] = 0;
        return true;
    }

    private bool Differs()
    {
        for (var i = 0; i < places.Length; i++)
        {
            if (places[i] == 0) continue;
            if (i >= split.Rules.Count ? !IsEditable : i > decider && split.Rules[i].IsEditable != IsEditable) return true;
        }

        return false;
    }
}
