using Contingious.Engine.Model;

namespace Contingious.Engine.Host;

/// <summary>The directories with a project quota that setup is asked to provision.</summary>
/// <param name="Directory">A directory on ext4 or xfs that is mounted with project quotas.</param>
/// <param name="Count">As many jobs can have one at once.</param>
/// <param name="Size">What each can hold, the image's own part included.</param>
/// <param name="Inodes">How many files each can hold.</param>
public sealed record DiskSlotRequest(string Directory, int Count, ByteSize Size, long Inodes)
{
    public const int MostSlots = 100;

    public static ByteSize DefaultSize { get; } = ByteSize.FromGiB(1);

    public const long DefaultInodes = 100_000;
}
