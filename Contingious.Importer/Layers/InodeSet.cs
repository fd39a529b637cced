using System.Numerics;

namespace Contingious.Importer.Layers;

/// <summary>A set of inode numbers in 11 to 22 bytes for each: an image may have a million.</summary>
internal sealed class InodeSet
{
    private const int LeastSlots = 64;

    /// <summary>Open addressing; 0 is free, as no file system gives that number to a file.</summary>
    private ulong[] slots = new ulong[LeastSlots];

    public int Count { get; private set; }

    /// <summary>False where it was in the set already.</summary>
    public bool Add(ulong inode)
    {
        ArgumentOutOfRangeException.ThrowIfZero(inode);
        if (Count >= slots.Length / 4 * 3) Grow();
        if (!Place(slots, inode)) return false;
        Count++;
        return true;
    }

    public bool Contains(ulong inode)
    {
        for (var i = First(slots, inode); slots[i] != 0; i = (i + 1) & (slots.Length - 1))
        {
            if (slots[i] == inode) return true;
        }

        return false;
    }

    private static bool Place(ulong[] slots, ulong inode)
    {
        var i = First(slots, inode);
        for (; slots[i] != 0; i = (i + 1) & (slots.Length - 1))
        {
            if (slots[i] == inode) return false;
        }

        slots[i] = inode;
        return true;
    }

    // Fibonacci hashing: the numbers of files that were made one after another follow each other.
    private static int First(ulong[] slots, ulong inode) => (int)((inode * 0x9E3779B97F4A7C15) >> (64 - BitOperations.Log2((uint)slots.Length)));

    private void Grow()
    {
        var larger = new ulong[slots.Length * 2];
        foreach (var inode in slots)
        {
            if (inode != 0) _ = Place(larger, inode);
        }

        slots = larger;
    }
}
