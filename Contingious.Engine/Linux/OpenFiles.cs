namespace Contingious.Engine.Linux;

/// <summary>How many files this process may have open (getrlimit(2)).</summary>
public static unsafe class OpenFiles
{
    private const int NoFile = 7;

    /// <summary>Allows itself as many as it may. The .NET runtime does this for its programs; a native one has to, or a deep tree and a full agent meet a limit of 1,024.</summary>
    public static void AllowMost()
    {
        var limit = stackalloc ulong[2];
        if (Libc.GetRlimit(NoFile, limit) != 0 || limit[0] >= limit[1]) return;
        limit[0] = limit[1];
        _ = Libc.SetRlimit(NoFile, limit);
    }
}
