using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary>
/// Writes the files that a job returned into a directory of the caller. Their names are the submission's choice: none is
/// written over or through something that is there, none becomes a hidden file or looks like an option, and none holds
/// what a terminal obeys.
/// </summary>
internal sealed class OutputFolder(string directory)
{
    // NAME_MAX is 255; a suffix that keeps two names apart has to fit too.
    private const int MaxNameBytes = 230;

    private readonly HashSet<string> written = new(StringComparer.Ordinal);

    /// <summary>Writes each, and says so a line each to <paramref name="log"/>. One that cannot be written does not keep the others from it.</summary>
    /// <exception cref="ContingiousException">At least one could not be written; the message has the first of them.</exception>
    public async Task SaveAsync(IReadOnlyList<OutputFile> outputs, TextWriter log)
    {
        string? first = null;
        foreach (var output in outputs)
        {
            var line = string.Create(CultureInfo.InvariantCulture, $"contingious: output {output.Path}: {output.Status}, {output.Size} bytes");
            if (output.Blob is { } blob) line += $": contingious blob cat {blob}";
            if (output.Status == OutputStatus.Returned)
            {
                var name = NameOf(output.Path);
                if (output.Truncated) line += string.Create(CultureInfo.InvariantCulture, $", the first {output.Content.Length} of them");
                try
                {
                    await WriteAsync($"{directory}/{name}", output.Content).ConfigureAwait(false);
                    if (name != Path.GetFileName(output.Path)) line += $", written as {name}";
                }
                catch (Exception error) when (error is IOException or UnauthorizedAccessException)
                {
                    first ??= $"{output.Path} was not written: {error.Message}";
                    line += ", not written";
                }
            }

            await log.WriteLineAsync(line).ConfigureAwait(false);
        }

        if (first is not null) throw new ContingiousException($"{first} Nothing that is there is written over: call it from an empty directory that the account may write to.");
    }

    private static async Task WriteAsync(string path, ReadOnlyMemory<byte> content)
    {
        // O_EXCL: neither over a file that is there nor through a link.
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        await using (file.ConfigureAwait(false)) await file.WriteAsync(content).ConfigureAwait(false);
    }

    private string NameOf(string path)
    {
        var name = Path.GetFileName(path);
        if (name[0] is '.' or '-') name = string.Create(CultureInfo.InvariantCulture, $"\\x{(int)name[0]:x2}{name[1..]}");
        if (Encoding.UTF8.GetByteCount(name) > MaxNameBytes) name = Shorten(name);
        var one = name;
        for (var n = 2; !written.Add(one); n++) one = string.Create(CultureInfo.InvariantCulture, $"{name}~{n}");
        return one;
    }

    private static string Shorten(string name)
    {
        var mark = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name))[..8]);
        var kept = new StringBuilder();
        var bytes = mark.Length + 1;
        foreach (var rune in name.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > MaxNameBytes) break;
            kept.Append(rune.ToString());
        }

        return $"{kept}~{mark}";
    }
}
