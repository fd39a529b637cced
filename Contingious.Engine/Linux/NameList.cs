namespace Contingious.Engine.Linux;

/// <summary>The names in a directory, in one piece of memory: a million of them take little more than their own bytes.</summary>
public sealed class NameList
{
    private byte[] bytes = new byte[256];
    private int[] ends = new int[16];
    private int[] order = [];

    public int Count { get; private set; }

    /// <summary>One of them; by its bytes once they are sorted.</summary>
    public ReadOnlySpan<byte> this[int index] => At(order.Length == Count ? order[index] : index);

    public void Add(ReadOnlySpan<byte> name)
    {
        var start = Count == 0 ? 0 : ends[Count - 1];
        if (Count == ends.Length) Array.Resize(ref ends, Count * 2);
        if (start + name.Length > bytes.Length) Array.Resize(ref bytes, Math.Max(bytes.Length * 2, start + name.Length));
        name.CopyTo(bytes.AsSpan(start));
        ends[Count++] = start + name.Length;
    }

    public void Sort()
    {
        order = new int[Count];
        for (var i = 0; i < Count; i++) order[i] = i;
        order.AsSpan().Sort((left, right) => At(left).SequenceCompareTo(At(right)));
    }

    private ReadOnlySpan<byte> At(int index)
    {
        var start = index == 0 ? 0 : ends[index - 1];
        return bytes.AsSpan(start, ends[index] - start);
    }
}
