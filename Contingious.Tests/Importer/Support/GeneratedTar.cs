using System.Text;

namespace Contingious.Tests.Importer.Support;

/// <summary>A tar of as many empty entries as wanted, made while it is read.</summary>
internal sealed class GeneratedTar(int entries, Func<int, string> name) : Stream
{
    private readonly byte[] block = new TarBuilder().File("").BuildWithoutEnd();
    private int next;
    private int left;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(Span<byte> buffer)
    {
        if (left == 0)
        {
            if (next > entries) return 0;
            if (next == entries) Array.Clear(block);
            else Describe(name(next));
            next++;
            left = block.Length;
        }

        var count = Math.Min(left, buffer.Length);
        block.AsSpan(block.Length - left, count).CopyTo(buffer);
        left -= count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Describe(string path)
    {
        block.AsSpan(0, 100).Clear();
        Encoding.ASCII.GetBytes(path, block);
        block[156] = (byte)(path.EndsWith('/') ? '5' : '0');
        block.AsSpan(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in block) sum += value;
        Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
    }
}
