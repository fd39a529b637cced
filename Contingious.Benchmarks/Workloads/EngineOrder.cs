using Contingious.Engine.Model;

namespace Contingious.Benchmarks.Workloads;

/// <summary>What the worker is to run: a line of words with tabs between them.</summary>
/// <param name="Disk">Where the job's files lie.</param>
/// <param name="IsStep">Whether the command is the job's own step.</param>
/// <param name="Image">Its name.</param>
/// <param name="Args">Program and arguments, without tabs and line ends.</param>
internal sealed record EngineOrder(DiskBackend Disk, bool IsStep, string Image, IReadOnlyList<string> Args)
{
    private const char Tab = '\t';

    public string ToLine() => string.Join(Tab, [$"{Disk}", $"{IsStep}", Image, .. Args]);

    public static EngineOrder Parse(string line)
    {
        var words = line.Split(Tab);
        return new EngineOrder(Enum.Parse<DiskBackend>(words[0]), bool.Parse(words[1]), words[2], words[3..]);
    }
}
