using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Tests.Host;

namespace Contingious.Tests.Hostile;

/// <summary>
/// A directory of the host's that everybody may write to and that holds a secret. What a hostile job or image aims at it
/// must neither change it nor bring its content out.
/// </summary>
internal sealed class Sentinel : IDisposable
{
    private readonly IReadOnlyList<string> before;

    public Sentinel()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("ctg-sentinel-").FullName;
        System.IO.Directory.CreateDirectory($"{Directory}/sub");
        foreach (var name in new[] { "passwd", "secret", "sub/secret" }) File.WriteAllText($"{Directory}/{name}", Secret);
        foreach (var directory in new[] { Directory, $"{Directory}/sub" }) File.SetUnixFileMode(directory, (UnixFileMode)0x1FF);
        before = TreeSnapshot.Of(Directory);
    }

    public string Directory { get; }

    public string Secret { get; } = $"secret-{Guid.NewGuid():N}";

    public void AssertUntouched() => Assert.Equal(before, TreeSnapshot.Of(Directory));

    /// <summary>Nor is the secret anywhere in what came back.</summary>
    public void AssertUntouched(RunReport report)
    {
        AssertUntouched();
        foreach (var content in report.Outputs.Select(output => output.Content).Concat(report.Steps.SelectMany(step => new[] { step.Stdout, step.Stderr })))
        {
            Assert.DoesNotContain(Secret, Encoding.Latin1.GetString(content.Span), StringComparison.Ordinal);
        }
    }

    public void Dispose()
    {
        using var parent = DirectoryHandle.Open(Path.GetDirectoryName(Directory)!);
        parent.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(Directory)));
    }
}
