using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer.Support;

/// <summary>Packs bytes with the real programs.</summary>
internal static class Packed
{
    public static async Task<byte[]> WithAsync(LayerCompression kind, byte[] content, params string[] options)
    {
        if (kind == LayerCompression.None) return content;
        var program = kind.ToString().ToLowerInvariant();
        Prerequisite.Require(ProgramRunner.Find(program) is not null, $"{program} (Debian's packages gzip, zstd, xz-utils)");
        var result = await ProgramRunner.RequireAsync(new ProgramRequest(program, [.. options, "-c"]) { Stdin = content }, TestContext.Current.CancellationToken);
        return result.Stdout.ToArray();
    }

    /// <summary>Unpacks with ours, the source giving so many bytes at a time.</summary>
    public static byte[] Unpack(LayerCompression kind, byte[] packed, int chunk = int.MaxValue)
    {
        using var stream = Decompression.Open(new Trickle(packed, chunk), kind, "test");
        using var content = new MemoryStream();
        var buffer = new byte[7000];
        int count;
        while ((count = stream.Read(buffer)) > 0) content.Write(buffer, 0, count);
        Assert.Equal(0, stream.Read(buffer));
        return content.ToArray();
    }

    private sealed class Trickle(byte[] content, int chunk) : ReadOnlyStream
    {
        private int position;

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(Math.Min(chunk, buffer.Length), content.Length - position);
            content.AsSpan(position, count).CopyTo(buffer);
            position += count;
            return count;
        }
    }
}
