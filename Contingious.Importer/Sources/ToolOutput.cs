using System.Text;
using Contingious.Engine;

namespace Contingious.Importer.Sources;

/// <summary>What a tool says, line by line; the end of it is kept for the message of a failure. A line is bounded, and nothing of it moves a terminal.</summary>
internal sealed class ToolOutput
{
    private const int QuotedLines = 12;
    private const int LineLength = 1024;

    /// <summary>Complaints that do not say what to do about them here.</summary>
    private static readonly (string Said, string Remedy)[] Remedies =
    [
        ("could not find \"netavark\"", "This buildah (1.35 and later, as in Debian 13) does not begin without the program netavark, though nothing here is built with a network of its own: 'apt-get install netavark' installs it."),
    ];

    private readonly Queue<string> kept = new();

    /// <summary>Reads until the last writer has gone away.</summary>
    public async Task ReadAsync(Stream stream, Action<string>? onLine)
    {
        var buffer = new byte[8 << 10];
        var line = new List<byte>();
        int count;
        while ((count = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            for (var i = 0; i < count; i++)
            {
                if (buffer[i] is (byte)'\n' or (byte)'\r') End(line, onLine);
                else if (line.Count < LineLength) line.Add(buffer[i]);
            }
        }

        End(line, onLine);
    }

    /// <summary>What to throw where it ends with another code than 0, with what mends it where that is known.</summary>
    public ContingiousException Failure(string program, int exitCode)
    {
        lock (kept)
        {
            var remedy = Remedies.FirstOrDefault(known => kept.Any(line => line.Contains(known.Said, StringComparison.Ordinal))).Remedy;
            return new ContingiousException($"{(remedy is null ? "" : $"{remedy} ")}{program} exited with {exitCode}: {string.Join(" | ", kept)}");
        }
    }

    private void End(List<byte> line, Action<string>? onLine)
    {
        var text = string.Concat(Encoding.UTF8.GetString([.. line]).Trim().Select(letter => char.IsControl(letter) ? '?' : letter));
        line.Clear();
        if (text.Length == 0) return;
        lock (kept)
        {
            kept.Enqueue(text);
            if (kept.Count > QuotedLines) kept.Dequeue();
        }

        onLine?.Invoke(text);
    }
}
