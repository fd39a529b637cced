using System.Globalization;

namespace Contingious.Benchmarks.Clones;

/// <summary>A tree that is cloned again and again; the same bytes every time.</summary>
/// <param name="Name">As the table has it.</param>
/// <param name="Directories">How many, beside the root.</param>
/// <param name="Files">In each of them.</param>
/// <param name="Most">The largest of them, in bytes; the smallest has a sixteenth of it.</param>
/// <param name="Rounds">How often, for each round asked for.</param>
internal sealed record SourceTree(string Name, int Directories, int Files, int Most, int Rounds)
{
    private const int Step = 1 << 20;

    public void Make(string directory)
    {
        var random = new Random(1);
        for (var i = 0; i < Directories; i++)
        {
            var below = Directory.CreateDirectory(Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"directory-{i}"))).FullName;
            for (var j = 0; j < Files; j++)
            {
                using var file = File.Create(Path.Combine(below, string.Create(CultureInfo.InvariantCulture, $"file-{j}")));
                Fill(file, Files == 1 ? Most : random.Next(Most / 16, Most), random);
            }
        }
    }

    private static void Fill(FileStream file, int size, Random random)
    {
        var content = new byte[Math.Min(size, Step)];
        for (var left = size; left > 0; left -= content.Length)
        {
            random.NextBytes(content);
            file.Write(content, 0, Math.Min(left, content.Length));
        }
    }
}
