namespace Contingious.Engine.Images;

/// <summary>Why something in the store cannot be used as an image.</summary>
public enum StoreFault
{
    /// <summary>It can be used.</summary>
    None,

    /// <summary>Another version of the importer made it, whose promises are not those of today.</summary>
    Outdated,

    /// <summary>It is not a whole image.</summary>
    Damaged,

    /// <summary>A name points to it and it is not there.</summary>
    Missing,
}

/// <summary>Something in the store: an image, or what a name points to or a directory holds that is none.</summary>
/// <param name="Id">Its directory's.</param>
/// <param name="Names">What points to it, sorted.</param>
/// <param name="Image">The image; nothing where it cannot be used.</param>
/// <param name="Fault">Why it cannot.</param>
/// <param name="Why">The same for people; empty where it can.</param>
public sealed record StoreEntry(Digest Id, IReadOnlyList<ImageReference> Names, Image? Image, StoreFault Fault, string Why)
{
    /// <summary>For people: its first name, or what its id begins with.</summary>
    public string Title => Names.Count > 0 ? Names[0].ToString() : Id.Short;
}

/// <summary>What became of a name or an image that was to be removed.</summary>
/// <param name="Id">The image's.</param>
/// <param name="Names">The names that were removed.</param>
/// <param name="IsImageRemoved">Whether the image itself is gone too.</param>
/// <param name="KeptBecause">Why it is not; empty where it is.</param>
public sealed record ImageRemoval(Digest Id, IReadOnlyList<ImageReference> Names, bool IsImageRemoved, string KeptBecause);

/// <summary>What a clearing-up of the store did.</summary>
/// <param name="Removed">Images that are gone.</param>
/// <param name="InUse">Images that no name points to, and that are kept for who uses them.</param>
/// <param name="DiffIdsInUse">The layers of every image that is still there: no other layer needs to be kept.</param>
public sealed record PruneReport(IReadOnlyList<StoreEntry> Removed, IReadOnlyList<StoreEntry> InUse, IReadOnlySet<Digest> DiffIdsInUse);
