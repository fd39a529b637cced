using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Queue;

/// <summary>
/// What an agent keeps of the decisions it has read: for each job where its first record is, and of the small results that were wanted or
/// written last the results themselves. Both are bounded, and the oldest go. Not for several threads.
/// </summary>
internal sealed class DecisionMemory(int mostKeys, ByteSize mostBytes)
{
    /// <summary>A larger result is read again when it is wanted.</summary>
    public const int MostOfOne = 64 * 1024;

    private readonly Dictionary<UInt128, long> offsets = [];
    private readonly Queue<(UInt128 Digest, long Offset)> byAge = new();
    private readonly Dictionary<UInt128, LinkedListNode<Kept>> bodies = [];
    private readonly LinkedList<Kept> byUse = new();
    private long bytes;

    public int Keys => offsets.Count;

    /// <summary>128 bits stand for a key: nobody finds two that have the same.</summary>
    public static UInt128 Digest(JobKey key)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{key.JobId}\0{key.Attempt}\0{key.Content}");
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return new UInt128(BitConverter.ToUInt64(hash, 0), BitConverter.ToUInt64(hash, 8));
    }

    /// <returns>False where an earlier record of the key is known: that one counts.</returns>
    public bool TryAdd(UInt128 digest, long offset, ReadOnlyMemory<byte> body)
    {
        if (!offsets.TryAdd(digest, offset)) return false;
        byAge.Enqueue((digest, offset));
        while (byAge.Count > mostKeys) Evict(byAge.Dequeue());
        if (body.Length <= MostOfOne) Keep(digest, body.ToArray());
        return true;
    }

    public bool TryFind(UInt128 digest, out long offset, out byte[]? body)
    {
        body = null;
        if (!offsets.TryGetValue(digest, out offset)) return false;
        if (bodies.TryGetValue(digest, out var node))
        {
            byUse.Remove(node);
            byUse.AddLast(node);
            body = node.Value.Body;
        }

        return true;
    }

    public bool Knows(UInt128 digest) => offsets.ContainsKey(digest);

    public void Remove(UInt128 digest)
    {
        offsets.Remove(digest);
        if (bodies.TryGetValue(digest, out var node)) Drop(node);
    }

    public void Clear()
    {
        offsets.Clear();
        byAge.Clear();
        bodies.Clear();
        byUse.Clear();
        bytes = 0;
    }

    private void Evict((UInt128 Digest, long Offset) oldest)
    {
        // Not a record that took the place of one that was removed.
        if (offsets.TryGetValue(oldest.Digest, out var offset) && offset == oldest.Offset) Remove(oldest.Digest);
    }

    private void Keep(UInt128 digest, byte[] body)
    {
        bodies[digest] = byUse.AddLast(new Kept(digest, body));
        bytes += body.Length;
        while (bytes > mostBytes.Bytes && byUse.First is { } oldest) Drop(oldest);
    }

    private void Drop(LinkedListNode<Kept> node)
    {
        byUse.Remove(node);
        bodies.Remove(node.Value.Digest);
        bytes -= node.Value.Body.Length;
    }

    private sealed record Kept(UInt128 Digest, byte[] Body);
}
