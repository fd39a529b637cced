using System.Globalization;

namespace Contingious.Engine.Linux;

/// <summary>
/// A process that cannot be mistaken for another: its pid and the time it started (field 22 of proc(5)'s stat, in clock ticks after boot),
/// since a pid alone is used again.
/// </summary>
public readonly record struct ProcessIdentity(int Pid, ulong StartTime)
{
    public const int SigKill = 9;
    public const int SigTerm = 15;

    /// <summary>Reads a live process's identity; nothing where there is none, or only a zombie of it.</summary>
    public static ProcessIdentity? Of(int pid)
    {
        // Without an exception where there is none, which is nothing out of the ordinary.
        if (KernelFile.TryRead(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat")) is not { } stat) return null;

        // The command's name stands in parentheses and may hold anything, parentheses too: count from the last one.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[0] is "Z" or "X" ? null : new ProcessIdentity(pid, ulong.Parse(fields[19], CultureInfo.InvariantCulture));
    }

    public bool IsAlive => Of(Pid) == this;

    /// <summary>Sends a signal if the process is still the same one.</summary>
    public void Signal(int signal)
    {
        if (IsAlive) _ = Libc.Kill(Pid, signal);
    }

    /// <summary>The identity of a user namespace that a process is in, such as <c>user:[4026531837]</c>; nothing where it may not be read.</summary>
    public static string? UserNamespaceOf(int pid) => LinkTarget(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/user"));

    public static string? OwnUserNamespace => LinkTarget("/proc/self/ns/user");

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
