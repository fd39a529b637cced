using System.Buffers;
using Contingious.Engine.Model;

namespace Contingious.Importer.Sources;

/// <summary>Copying what somebody else sends, up to a limit.</summary>
internal static class CappedCopy
{
    /// <exception cref="InvalidImageException">There is more than the limit.</exception>
    public static async Task CopyAsync(Stream from, Stream to, ByteSize limit, string what, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
        try
        {
            var total = 0L;
            int count;
            while ((count = await from.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
            {
                total += count;
                if (total > limit.Bytes) throw new InvalidImageException($"{what} is larger than {limit}.");
                await to.WriteAsync(buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
