using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host;

/// <summary>
/// The root of the file system that setup prepares and the doctor examines: <c>/</c>, or a directory that looks like one.
/// Paths are given as the host itself has them (<c>/etc/subuid</c>).
/// </summary>
public sealed record HostRoot(string Prefix)
{
    /// <summary>The largest file that is read as text here; those of /etc and /proc are far smaller.</summary>
    private const int MaxText = 4 << 20;

    private const int InitialText = 4 << 10;

    public static HostRoot Real { get; } = new("/");

    /// <summary>Whether this is the running host: only then are there daemons to talk to.</summary>
    public bool IsReal => Prefix == "/";

    /// <summary>Whether systemd is the init, as sd_booted(3) tells it.</summary>
    public bool HasSystemd => Directory.Exists(At("/run/systemd/system"));

    /// <summary>Where a path of the host is found from here.</summary>
    public string At(string path) => IsReal ? path : Prefix.TrimEnd('/') + path;

    public FileStatus? TryStatus(string path) => HostPath.TryStatus(At(path));

    /// <summary>A file's text; nothing where there is no such file.</summary>
    /// <exception cref="IOException">It is there and cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It is there and may not be read.</exception>
    public string? TryRead(string path)
    {
        try
        {
            // Files of /proc and of cgroups have no length to go by: read to the end, bounded.
            using var file = File.OpenHandle(At(path));
            var text = new byte[InitialText];
            var length = 0;
            for (int read; (read = RandomAccess.Read(file, text.AsSpan(length), length)) > 0;)
            {
                length += read;
                if (length == MaxText) break;
                if (length == text.Length) Array.Resize(ref text, Math.Min(MaxText, text.Length * 4));
            }

            return Encoding.UTF8.GetString(text, 0, length);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>A file's lines; none where there is no such file.</summary>
    public IReadOnlyList<string> Lines(string path) => TryRead(path)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The files directly in a directory, by their paths on that host, in order; none where there is no such directory.</summary>
    public IReadOnlyList<string> Files(string path) =>
        Directory.Exists(At(path)) ? [.. Directory.EnumerateFiles(At(path)).Order(StringComparer.Ordinal).Select(file => $"{path}/{Path.GetFileName(file)}")] : [];

    /// <summary>A program's path from here, or nothing where it is not installed.</summary>
    public string? FindProgram(string program) =>
        ProgramRunner.SearchPath.Split(':').Select(directory => At($"{directory}/{program}")).FirstOrDefault(File.Exists);

    /// <summary>Opens the directory that a path is in; the last component stays unresolved.</summary>
    internal DirectoryHandle OpenParent(string path) => DirectoryHandle.Open(At(Path.GetDirectoryName(path) ?? "/"));

    public override string ToString() => Prefix;
}
