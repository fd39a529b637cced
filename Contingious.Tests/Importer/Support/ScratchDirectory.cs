using Contingious.Engine.Linux;

namespace Contingious.Tests.Importer.Support;

/// <summary>A directory for one test, with a sentinel beside it that nothing may touch.</summary>
internal sealed class ScratchDirectory : IDisposable
{
    private readonly string outside;

    public ScratchDirectory()
    {
        outside = Directory.CreateTempSubdirectory("ctg-import-").FullName;
        File.WriteAllText(Path.Combine(outside, "sentinel"), "untouched");
        Root = Directory.CreateDirectory(Path.Combine(outside, "inside")).FullName;
    }

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>Nothing but what the test itself made is beside the directory.</summary>
    public void AssertNothingLeftIt()
    {
        Assert.Equal("untouched", File.ReadAllText(Path.Combine(outside, "sentinel")));
        Assert.Equal(["inside", "sentinel"], Directory.EnumerateFileSystemEntries(outside).Select(Path.GetFileName).Order());
    }

    /// <summary>Every path below a directory, sorted; symlinks are not followed.</summary>
    public IReadOnlyList<string> Tree(string name)
    {
        var paths = new List<string>();
        Walk(new DirectoryInfo(this[name]), "");
        paths.Sort(StringComparer.Ordinal);
        return paths;

        void Walk(DirectoryInfo directory, string prefix)
        {
            foreach (var entry in directory.EnumerateFileSystemInfos())
            {
                paths.Add(prefix + entry.Name);
                if (entry is DirectoryInfo { LinkTarget: null } below) Walk(below, $"{prefix}{entry.Name}/");
            }
        }
    }

    public void Dispose()
    {
        using var parent = DirectoryHandle.Open(Path.GetDirectoryName(outside)!);
        parent.RemoveTree(System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(outside)));
    }
}
