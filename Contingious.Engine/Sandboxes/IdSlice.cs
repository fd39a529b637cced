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

    private IdSlice(int index, FileLock hold)
    {
        FirstId = ((uint)index + 1) * Size;
        this.hold = hold;
    }

    /// <summary>The keeper's id that is the container's 0. The ids below the first slice are the images' own.</summary>
    public uint FirstId { get; }

    /// <exception cref="HostNotReadyException">The account has too few subordinate ids, or every slice is in use.</exception>
    public static IdSlice Lease(HostLayout layout)
    {
        var count = CountOf(File.ReadLines("/proc/self/uid_map"));
        if (count < 1)
        {
            throw new HostNotReadyException($"{layout.Account.Name} has fewer subordinate ids than one sandbox needs (two times 65,536). Mend it with: sudo contingious setup");
        }

        for (var index = 0; index < count; index++)
        {
            if (FileLock.TryClaim($"{layout.SlicesDirectory}/{index.ToString(CultureInfo.InvariantCulture)}") is { } hold) return new IdSlice(index, hold);
        }

        throw new HostNotReadyException($"All {count} slices of subordinate ids are in use: as many sandboxes live at once. Wait for one to end, or grant {layout.Account.Name} more in /etc/subuid and /etc/subgid.");
    }

    /// <summary>How many whole slices a uid_map (user_namespaces(7)) leaves behind the images' own ids.</summary>
    public static int CountOf(IEnumerable<string> uidMap)
    {
        ulong last = 0;
        foreach (var line in uidMap)
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            last = Math.Max(last, ulong.Parse(fields[0], CultureInfo.InvariantCulture) + ulong.Parse(fields[2], CultureInfo.InvariantCulture));
        }

        return (int)Math.Min(last / Size, 4096) - 1;
    }

    public void Dispose() => hold.Dispose();
}
