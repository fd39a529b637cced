using Contingious.Engine.Linux;

namespace Contingious.Engine.Storage;

/// <summary>
/// A directory that is being copied. It is open on both sides from when its turn comes until all below it is done, and is then
/// given its attributes: what is made in it changes its times.
/// </summary>
internal sealed class ClonePlace
{
    private readonly DirectoryHandle fromRoot;
    private readonly DirectoryHandle toRoot;

    /// <summary>What keeps it open: its listing, what was put aside of it, and its directories.</summary>
    private int pending = 1;

    /// <param name="from">The root, which stays open as long as any place below it is used.</param>
    /// <param name="to">Its copy, likewise.</param>
    public ClonePlace(DirectoryHandle from, DirectoryHandle to)
    {
        (fromRoot, toRoot, Name, Status) = (from, to, [], from.Status());
        Source = RawDescriptor.Reopen(from);
        try
        {
            Target = RawDescriptor.Reopen(to);
        }
        catch
        {
            Close();
            throw;
        }
    }

    /// <param name="above">The directory that holds it, which is kept by it.</param>
    /// <param name="name">With its NUL behind it.</param>
    public ClonePlace(ClonePlace above, byte[] name)
    {
        (fromRoot, toRoot, Above, Name) = (above.fromRoot, above.toRoot, above, name);
        above.Keep();
    }

    /// <summary>Nothing of the root.</summary>
    public ClonePlace? Above { get; }

    /// <summary>With its NUL behind it; empty of the root.</summary>
    public byte[] Name { get; }

    public RawDescriptor Source { get; set; } = new(-1);

    public RawDescriptor Target { get; set; } = new(-1);

    public FileStatus Status { get; set; }

    public void Keep() => Interlocked.Increment(ref pending);

    /// <returns>Whether nothing keeps it any longer.</returns>
    public bool LetGo() => Interlocked.Decrement(ref pending) == 0;

    public void Close()
    {
        Source.Dispose();
        Target.Dispose();
        (Source, Target) = (new(-1), new(-1));
    }

    /// <summary>Opens the copy once more: as many as have hard links may not all be open at once.</summary>
    public RawDescriptor ReopenTarget()
    {
        using var directory = toRoot.OpenDirectory(Above is null ? "."u8 : Path());
        return RawDescriptor.Reopen(directory);
    }

    /// <summary>The path of an entry, or with an empty name of the directory itself, for people.</summary>
    public string Display(ReadOnlySpan<byte> name, bool isSource)
    {
        var path = NativePath.Display([.. Path(), .. name.TrimEnd((byte)0)]);
        return $"{(isSource ? fromRoot : toRoot).Path}/{path}";
    }

    /// <summary>Below the root, without a NUL; ends in a slash, or is empty.</summary>
    private byte[] Path()
    {
        var names = new Stack<byte[]>();
        for (var place = this; place.Above is not null; place = place.Above) names.Push(place.Name);
        return [.. names.SelectMany(name => name[..^1].Append((byte)'/'))];
    }
}
