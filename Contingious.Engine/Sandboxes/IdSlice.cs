using System.Globalization;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// 65,536 ids of the keeper's namespace that are one sandbox's alone while it lives. Two sandboxes never share a host
/// uid, and so not the limits that the kernel keeps per uid (pipes, inotify instances, keys).
/// </summary>
internal sealed class IdSlice : IDisposable
{
    public const uint Size = 65_536;

    private readonly FileLock hold;

    private IdSlice(uint firstId, FileLock hold)
    {
        FirstId = firstId;
        this.hold = hold;
    }

    /// <summary>The keeper's id that is the container's 0. The ids below <see cref="Size"/> are the images' own.</summary>
    public uint FirstId { get; }

    /// <exception cref="HostNotReadyException">The account has too few subordinate ids for a single slice.</exception>
    /// <exception cref="CapacityException">Every slice is in use.</exception>
    public static IdSlice Lease(HostLayout layout)
    {
        var uids = IdMap.OwnUids();
        var slices = FirstIds(uids, IdMap.OwnGids());
        if (slices.Count == 0)
        {
            throw new HostNotReadyException($"{layout.Account.Name} has fewer subordinate ids than one sandbox needs. Mend it with: sudo contingious setup, then contingious keeper stop");
        }

        foreach (var first in slices)
        {
            // Named as the host numbers it, so that keepers with different maps cannot hand out the same ids.
            var name = IdMap.ToOutside(uids, first).ToString(CultureInfo.InvariantCulture);
            if (FileLock.TryClaim($"{layout.SlicesDirectory}/{name}") is { } hold) return new IdSlice(first, hold);
        }

        throw new CapacityException($"All {slices.Count} slices of subordinate ids are in use: as many sandboxes live at once. Wait for one to end, or grant {layout.Account.Name} more in /etc/subuid and /etc/subgid.");
    }

    /// <summary>
    /// The first ids of all slices. A slice lies in one piece of the uid map and in one of the gid map: the kernel
    /// refuses a namespace whose ids straddle two (user_namespaces(7)).
    /// </summary>
    public static IReadOnlyList<uint> FirstIds(IReadOnlyList<IdExtent> uids, IReadOnlyList<IdExtent> gids)
    {
        var slices = new List<uint>();
        foreach (var uid in uids)
        {
            foreach (var gid in gids)
            {
                ulong first = Math.Max(Math.Max(uid.Inside, gid.Inside), Size);
                var end = Math.Min((ulong)uid.Inside + uid.Count, (ulong)gid.Inside + gid.Count);
                for (; first + Size <= end; first += Size) slices.Add((uint)first);
            }
        }

        return slices;
    }

    public void Dispose() => hold.Dispose();
}
