using System.Diagnostics;
using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>The forms in which the kernel writes a cgroup's files, the same in v1 and v2.</summary>
internal static class CgroupFile
{
    private static readonly TimeSpan removalPatience = TimeSpan.FromSeconds(2);

    /// <summary>A number of a "flat keyed" file, such as <c>oom_kill</c> of memory.events; 0 where it has no such line.</summary>
    public static long Field(string content, string field)
    {
        foreach (var line in content.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(field, StringComparison.Ordinal) && line.Length > field.Length && line[field.Length] == ' ')
            {
                return long.Parse(line[(field.Length + 1)..], CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }

    /// <summary>The pids in a cgroup.procs; none where the cgroup was removed since it was listed.</summary>
    public static IReadOnlyList<int> Pids(string path)
    {
        var pids = new List<int>();
        foreach (var line in (KernelFile.TryRead(path) ?? "").AsSpan().EnumerateLines())
        {
            if (!line.IsEmpty) pids.Add(int.Parse(line, CultureInfo.InvariantCulture));
        }

        return pids;
    }

    /// <summary>The directories of a cgroup and of all below it, those below first; none where it is gone.</summary>
    public static IReadOnlyList<string> Below(string directory)
    {
        var all = new List<string>();
        Add(directory);
        return all;

        void Add(string place)
        {
            // A cgroup's count of links is that of the cgroups in it and two: one without any need not be listed, with its dozens of files.
            if (HostPath.TryStatus(place) is not { } status) return;
            if (status.LinkCount > 2)
            {
                foreach (var inside in DirectoriesIn(place)) Add(inside);
            }

            all.Add(place);
        }
    }

    /// <summary>Whether a file could not be read or written because its cgroup was removed: before it was opened, or since.</summary>
    public static bool IsGone(IOException error) => error is FileNotFoundException or DirectoryNotFoundException || error.HResult == (int)Errno.ENODEV;

    /// <summary>
    /// Removes the directory of a cgroup that has no process any more; nothing happens where it is gone. A process is in no list once it begins to end, and the
    /// cgroup is busy until it is through with that, which may take as long as its memory takes to be freed.
    /// </summary>
    /// <exception cref="IOException">It stays busy.</exception>
    public static async Task RemoveAsync(string directory)
    {
        for (var begun = Stopwatch.GetTimestamp(); ;)
        {
            try
            {
                Directory.Delete(directory);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (IOException error) when (error.HResult == (int)Errno.EBUSY && Stopwatch.GetElapsedTime(begun) < removalPatience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1)).ConfigureAwait(false);
            }
        }
    }

    private static string[] DirectoriesIn(string directory)
    {
        try
        {
            return Directory.GetDirectories(directory);
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <summary>The total of a "some" line of a pressure file, which is in microseconds.</summary>
    public static TimeSpan Stalled(string content)
    {
        const string key = "total=";
        foreach (var line in content.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith("some ", StringComparison.Ordinal)) continue;
            var at = line.IndexOf(key, StringComparison.Ordinal);
            if (at >= 0) return TimeSpan.FromMicroseconds(long.Parse(line[(at + key.Length)..], CultureInfo.InvariantCulture));
        }

        return TimeSpan.Zero;
    }
}
