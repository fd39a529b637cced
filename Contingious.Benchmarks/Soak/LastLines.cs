namespace Contingious.Benchmarks.Soak;

/// <summary>Reads what a program says, so that it never waits for a reader, and keeps the end of it.</summary>
internal sealed class LastLines
{
    private const int Most = 20;

    private readonly Queue<string> lines = new();

    public async Task ReadAsync(Stream stream)
    {
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            lock (lines)
            {
                lines.Enqueue(line);
                if (lines.Count > Most) lines.Dequeue();
            }
        }
    }

    public override string ToString()
    {
        lock (lines) return string.Join('\n', lines);
    }
}
