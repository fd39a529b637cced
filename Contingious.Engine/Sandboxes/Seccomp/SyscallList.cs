namespace Contingious.Engine.Sandboxes.Seccomp;

/// <summary>Names of system calls written for people: words on lines, and what follows a # is a remark.</summary>
internal static class SyscallList
{
    public static IReadOnlyList<string> Parse(string text) =>
        [.. text.Split('\n').SelectMany(line => line.Split('#')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
}
