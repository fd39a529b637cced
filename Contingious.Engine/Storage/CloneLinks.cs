using Contingious.Engine.Linux;

namespace Contingious.Engine.Storage;

/// <summary>The copies of files with more than one name, by what they are copies of. For any number of threads.</summary>
internal sealed class CloneLinks
{
    private readonly Lock access = new();
    private readonly Dictionary<(ulong Device, ulong Inode), First> firsts = [];
    private readonly List<(First First, ClonePlace Place, byte[] Name)> putOff = [];

    /// <summary>The names that wait until every copy is there.</summary>
    public IReadOnlyList<(First First, ClonePlace Place, byte[] Name)> PutOff => putOff;

    /// <summary>Makes a name the one that the content is copied to, unless the same file has one already.</summary>
    public First Claim(in FileStatus status, ClonePlace place, ReadOnlySpan<byte> name, out bool isFirst)
    {
        lock (access)
        {
            isFirst = !firsts.TryGetValue((status.Device, status.Inode), out var first);
            if (first is null) firsts.Add((status.Device, status.Inode), first = new First(place, name.ToArray()));
            return first;
        }
    }

    public void PutOffUntilLast(First first, ClonePlace place, byte[] name)
    {
        lock (access) putOff.Add((first, place, name));
    }

    /// <summary>Where the content is copied to.</summary>
    /// <param name="place">The directory.</param>
    /// <param name="name">With its NUL behind it.</param>
    internal sealed class First(ClonePlace place, byte[] name)
    {
        private volatile bool isThere;

        public ClonePlace Place { get; } = place;

        public byte[] Name { get; } = name;

        /// <summary>Whether it has its name and may be linked.</summary>
        public bool IsThere
        {
            get => isThere;
            set => isThere = value;
        }
    }
}
