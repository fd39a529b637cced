using Contingious.Engine.Linux;

namespace Contingious.Agent.Cli;

/// <summary>The words of this process's command line, whose bytes the .NET runtime has read as UTF-8: what is none it has replaced.</summary>
internal static class CommandWords
{
    private const char Replacement = '\ufffd';

    /// <summary>The same words without a loss, as <see cref="NativeText"/> has them.</summary>
    public static string[] Restored(string[] args) =>
        args.Any(word => word.Contains(Replacement, StringComparison.Ordinal)) ? Of(File.ReadAllBytes("/proc/self/cmdline"), args) : args;

    internal static string[] Of(ReadOnlySpan<byte> line, string[] args)
    {
        var words = new List<string>();
        if (line is [.. var all, 0]) line = all;
        foreach (var word in line.Split((byte)0)) words.Add(NativeText.Of(line[word]));
        return [.. words[^args.Length..]];
    }
}
