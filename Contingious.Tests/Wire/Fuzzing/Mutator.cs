using System.Buffers.Binary;
using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire.Fuzzing;

/// <summary>Makes messages that are nearly right, or not at all, from right ones.</summary>
internal sealed class Mutator(IReadOnlyList<byte[]> seeds)
{
    /// <summary>
    /// Values that decoders were wrong about, here or elsewhere: the ends of number ranges, NaN and infinities, empty and huge containers, text that is
    /// no UTF-8 (half of a surrogate pair, an overlong NUL, beyond the last plane), extensions, and nesting.
    /// </summary>
    public static IReadOnlyList<byte[]> Interesting { get; } =
    [
        [0xc0], [0xc1], [0xc2], [0xc3], [0x00], [0x7f], [0xff], [0xe0],
        Convert.FromHexString("cfffffffffffffffff"), Convert.FromHexString("d38000000000000000"), Convert.FromHexString("d37fffffffffffffff"),
        Convert.FromHexString("ca7fc00000"), Convert.FromHexString("cb7ff8000000000000"), Convert.FromHexString("cb7ff0000000000000"), Convert.FromHexString("cbfff0000000000000"),
        Convert.FromHexString("cb43e0000000000000"), Convert.FromHexString("cb47efffffe0000000"), Convert.FromHexString("cb8000000000000000"),
        [0x90], [0x80], [0xa0], [0xc4, 0x00], Convert.FromHexString("c70005"), Convert.FromHexString("d4ff00"), Convert.FromHexString("d6ffffffffff"),
        Convert.FromHexString("a3eda080"), Convert.FromHexString("a2c080"), Convert.FromHexString("a4f4908080"), Convert.FromHexString("a3efbfbd"), Convert.FromHexString("a100"), Convert.FromHexString("a22e2e"),
        Convert.FromHexString("ddffffffff"), Convert.FromHexString("dfffffffff"), Convert.FromHexString("dbffffffff"), Convert.FromHexString("c6ffffffff"), Convert.FromHexString("c9ffffffff00"),
        Convert.FromHexString("dc0010"), Convert.FromHexString("de0010"), Convert.FromHexString("c600000000"), Convert.FromHexString("db00000000"),
        [.. Enumerable.Repeat((byte)0x91, 40), 0xc0], [.. Enumerable.Repeat(new byte[] { 0x81, 0xa1, 0x61 }, 40).SelectMany(x => x), 0xc0],
    ];

    private readonly Outline[] outlines = [.. seeds.Select(seed => new Outline(seed))];
    private byte[] buffer = new byte[64 << 10];
    private int length;

    /// <summary>The same case is the same message, in a buffer that the next case writes over.</summary>
    public ReadOnlyMemory<byte> Make(FuzzRandom random)
    {
        if (random.Next(50) == 0) return Noise(ref random);
        var which = random.Next(seeds.Count);
        length = 0;
        Append(seeds[which]);
        if (random.Next(3) != 0) Restructure(outlines[which], ref random);
        for (var left = random.Next(5); left > 0 && length > 0; left--) Disturb(ref random);
        if (random.Next(12) == 0) length = random.Next(length + 1);
        return buffer.AsMemory(0, length);
    }

    private ReadOnlyMemory<byte> Noise(ref FuzzRandom random)
    {
        length = random.Next(300);
        for (var i = 0; i < length; i++) buffer[i] = (byte)random.Next();
        return buffer.AsMemory(0, length);
    }

    /// <summary>One change that keeps the rest well-formed: the deepest rules are only reached that way.</summary>
    private void Restructure(Outline outline, ref FuzzRandom random)
    {
        var node = outline.Nodes[random.Next(outline.Nodes.Count)];
        switch (random.Next(6))
        {
            case 0:
                Replace(node.Start, node.End, Interesting[random.Next(Interesting.Count)]);
                break;
            case 1:
                // A value of another message, or of another place in this one.
                var other = random.Next(seeds.Count);
                var taken = outlines[other].Nodes[random.Next(outlines[other].Nodes.Count)];
                Replace(node.Start, node.End, seeds[other].AsSpan(taken.Start, taken.End - taken.Start));
                break;
            case 2:
                // It comes twice: an item too many, or the same key again.
                Replace(node.End, node.End, [.. buffer.AsSpan(node.Start, node.End - node.Start)]);
                break;
            case 3:
                Replace(node.Start, node.End, []);
                break;
            case 4:
                LieAboutLength(node, ref random);
                break;
            default:
                // Its payload, or what it holds, is put a random number of times.
                var payload = buffer.AsSpan(node.Start + node.HeaderSize, node.End - node.Start - node.HeaderSize).ToArray();
                for (var left = random.Next(6); left > 0 && length + payload.Length < 60_000; left--) Replace(node.Start + node.HeaderSize, node.Start + node.HeaderSize, payload);
                break;
        }
    }

    private void LieAboutLength(Outline.Node node, ref FuzzRandom random)
    {
        var (narrow, code) = node.Kind switch
        {
            MessagePackKind.Array => (0xdc, 0xdd),
            MessagePackKind.Map => (0xde, 0xdf),
            MessagePackKind.Text => (0xda, 0xdb),
            MessagePackKind.Extension => (0xc8, 0xc9),
            _ => (0xc5, 0xc6),
        };
        var lie = random.Next(4) switch { 0 => (uint)random.Next(), 1 => (uint)random.Next(300), 2 => uint.MaxValue, _ => (uint)(node.End - node.Start) };
        Span<byte> header = stackalloc byte[5];
        if (random.Next(2) == 0)
        {
            header[0] = (byte)narrow;
            BinaryPrimitives.WriteUInt16BigEndian(header[1..], (ushort)lie);
            Replace(node.Start, node.Start + node.HeaderSize, header[..3]);
            return;
        }

        header[0] = (byte)code;
        BinaryPrimitives.WriteUInt32BigEndian(header[1..], lie);
        Replace(node.Start, node.Start + node.HeaderSize, header);
    }

    private void Disturb(ref FuzzRandom random)
    {
        var at = random.Next(length);
        switch (random.Next(6))
        {
            case 0: buffer[at] = (byte)random.Next(); break;
            case 1: buffer[at] ^= (byte)(1 << random.Next(8)); break;
            case 2: Replace(at, at, [(byte)random.Next()]); break;
            case 3: Replace(at, Math.Min(length, at + 1 + random.Next(16)), []); break;
            case 4: buffer[at] = (byte)(0xc0 + random.Next(32)); break;
            default:
                // The end of another message.
                var other = seeds[random.Next(seeds.Count)];
                Replace(at, length, other.AsSpan(random.Next(other.Length)));
                break;
        }
    }

    private void Append(ReadOnlySpan<byte> bytes) => Replace(length, length, bytes);

    private void Replace(int start, int end, ReadOnlySpan<byte> bytes)
    {
        var grown = length - (end - start) + bytes.Length;
        if (grown > buffer.Length) Array.Resize(ref buffer, grown * 2);
        buffer.AsSpan(end, length - end).CopyTo(buffer.AsSpan(start + bytes.Length));
        bytes.CopyTo(buffer.AsSpan(start));
        length = grown;
    }
}
