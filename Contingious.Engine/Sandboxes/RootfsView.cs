namespace Contingious.Engine;

/// <summary>A sandbox's rootfs, as it is seen from outside of it.</summary>
/// <param name="Directory">The whole of it, without what is bound over it; a path inside the keeper.</param>
/// <param name="WrittenDirectory">Where what is written to it lies: the same directory, or the overlay's upper one.</param>
/// <param name="FirstId">The container's root, which is added to the ids of the image.</param>
public sealed record RootfsView(string Directory, string WrittenDirectory, uint FirstId);

/// <summary>
/// Looks at the rootfs's of jobs from outside, as learn mode does. What a submission left there is walked by descriptors only
/// (<see cref="Linux.DirectoryHandle"/>).
/// </summary>
public interface IRootfsObserver
{
    /// <summary>A step's rootfs is ready, its files are in place, and its program has not begun.</summary>
    void BeforeStep(RootfsView rootfs);

    /// <summary>Everything of the job is dead, and nothing is given back yet.</summary>
    void AfterSteps();
}
