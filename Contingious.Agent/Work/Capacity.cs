using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>An amount of what a host has, or of what a job asks for: CPUs, memory, disk, and how many jobs.</summary>
public sealed record Capacity(double Cpus, ByteSize Memory, ByteSize Disk, int Slots)
{
    /// <summary>Tenths of CPUs are not exact in binary: sums of them are compared with this much tolerance.</summary>
    private const double Tolerance = 1e-6;

    // What the engine adds to a sandbox that has a network (slirp4netns' own memory).
    private static readonly ByteSize networkMemory = ByteSize.FromMiB(16);

    /// <summary>Nothing at all.</summary>
    public static Capacity None { get; } = new(0, ByteSize.Zero, ByteSize.Zero, 0);

    /// <summary>The least that a job can ask for.</summary>
    internal static Capacity Smallest { get; } = new(0.1, ByteSize.FromMiB(16), ByteSize.Zero, 1);

    /// <summary>All CPUs, nine tenths of the memory, all of the disk that job disks may take, a slot for each CPU.</summary>
    public static Capacity OfThisHost() => new(
        Environment.ProcessorCount, new ByteSize(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 10 * 9), ByteSize.FromGiB(64), Environment.ProcessorCount);

    /// <summary>
    /// What a job takes while it runs: its limits. Its disk is counted as disk wherever it lies; one on a tmpfs is part of its memory besides,
    /// which the memory limit holds already.
    /// </summary>
    internal static Capacity Of(RunRequest request)
    {
        var limits = request.Limits;
        return new Capacity(limits.Cpus, request.Network == NetworkMode.Internet ? limits.Memory + networkMemory : limits.Memory, limits.Disk, 1);
    }

    public Capacity Plus(Capacity other) => new(Cpus + other.Cpus, Memory + other.Memory, Disk + other.Disk, Slots + other.Slots);

    /// <summary>What is left; below zero where more was taken than there is.</summary>
    public Capacity Minus(Capacity other) =>
        new(Cpus - other.Cpus, new ByteSize(Memory.Bytes - other.Memory.Bytes), new ByteSize(Disk.Bytes - other.Disk.Bytes), Slots - other.Slots);

    /// <summary>As much of each as there is in <paramref name="total"/>: who asks for more than all, by what the engine adds, gets all.</summary>
    internal Capacity AtMost(Capacity total) => new(
        Math.Min(Cpus, total.Cpus),
        new ByteSize(Math.Min(Memory.Bytes, total.Memory.Bytes)),
        new ByteSize(Math.Min(Disk.Bytes, total.Disk.Bytes)),
        Math.Min(Slots, total.Slots));

    /// <summary>Whether <paramref name="need"/> fits into this.</summary>
    internal bool Holds(Capacity need) =>
        need.Cpus <= Cpus + Tolerance && need.Memory <= Memory && need.Disk <= Disk && need.Slots <= Slots;
}
