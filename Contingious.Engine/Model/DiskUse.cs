namespace Contingious.Engine.Model;

/// <summary>What a job has added to its disk; what its images brought is not in it.</summary>
/// <param name="UsedBytes">Bytes that are allocated: a hole in a file takes none.</param>
/// <param name="UsedInodes">Files, directories and links.</param>
/// <param name="IsFull">Whether not one more page or not one more file fits.</param>
/// <param name="IsOver">Whether it is past its limit, which can only be where the kernel does not hold the limit: a reason to stop the job.</param>
public readonly record struct DiskUse(long UsedBytes, long UsedInodes, bool IsFull, bool IsOver);
