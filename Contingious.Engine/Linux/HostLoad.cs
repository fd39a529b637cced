using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>How busy this host is now.</summary>
public static class HostLoad
{
    /// <summary>Threads that run or want to, of all processes, but for the one that asks (proc_loadavg(5)).</summary>
    public static int Runnable()
    {
        var fields = KernelFile.Read("/proc/loadavg").Split(' ');
        return int.Parse(fields[3].AsSpan(0, fields[3].IndexOf('/', StringComparison.Ordinal)), CultureInfo.InvariantCulture) - 1;
    }

    /// <summary>The part of the memory that programs could still have without anything being swapped out, from 0 to 1 (proc_meminfo(5)).</summary>
    public static double AvailableMemory()
    {
        double total = 0, available = 0;
        foreach (var line in KernelFile.Read("/proc/meminfo").AsSpan().EnumerateLines())
        {
            if (line.StartsWith("MemTotal:", StringComparison.Ordinal)) total = KiB(line);
            if (!line.StartsWith("MemAvailable:", StringComparison.Ordinal)) continue;
            available = KiB(line);
            break;
        }

        return total > 0 ? available / total : 1;
    }

    private static double KiB(ReadOnlySpan<char> line) => double.Parse(line[(line.IndexOf(':') + 1)..].Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture);
}
