using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Importer;

/// <summary>
/// The directory of one import, locked while the import lives. Disposing removes it with everything in it; what a killed import left
/// is removed when the next one starts.
/// </summary>
internal sealed class StagingArea : IDisposable
{
    private const string Prefix = "import-";
    private const uint OwnerOnly = 0x1C0; // 0700

    private readonly string name;
    private readonly string parent;
    private readonly FileLock held;

    private StagingArea(string parent, string name, FileLock held)
    {
        this.parent = parent;
        this.name = name;
        this.held = held;
    }

    public string Directory => Path.Combine(parent, name);

    /// <summary>What is published: <c>editable/</c> and <c>readonly/</c> are made here.</summary>
    public string ImageDirectory => PathOf("image");

    public string TemporaryDirectory => PathOf("tmp");

    /// <summary>containers-policy.json(5) that accepts unsigned images: their digests are verified here.</summary>
    public string PolicyFile => PathOf("policy.json");

    /// <summary>containers-storage.conf(5): without it the tools would use the host's storage.</summary>
    public string StorageFile => PathOf("storage.conf");

    public static StagingArea Create(string stagingDirectory)
    {
        System.IO.Directory.CreateDirectory(stagingDirectory);
        // One import at a time gets past here, so that nobody sweeps a directory that is made and not locked yet.
        using var gate = FileLock.Exclusive(stagingDirectory);
        Sweep(stagingDirectory);
        var name = $"{Prefix}{Guid.NewGuid():N}";
        using (var parent = DirectoryHandle.Open(stagingDirectory)) parent.CreateDirectory(Encoding.UTF8.GetBytes(name), OwnerOnly);
        var area = new StagingArea(stagingDirectory, name, FileLock.Shared(Path.Combine(stagingDirectory, name)));
        try
        {
            area.Fill();
        }
        catch
        {
            area.Dispose();
            throw;
        }

        return area;
    }

    public string PathOf(string file) => Path.Combine(Directory, file);

    public void Dispose()
    {
        try
        {
            using var above = DirectoryHandle.Open(parent);
            above.RemoveTree(Encoding.UTF8.GetBytes(name));
        }
        catch (IOException)
        {
            // Never hides why the import failed; the next import's sweep tries again.
        }
        finally
        {
            held.Dispose();
        }
    }

    private void Fill()
    {
        System.IO.Directory.CreateDirectory(TemporaryDirectory);
        System.IO.Directory.CreateDirectory(ImageDirectory);
        File.WriteAllText(PolicyFile, """{"default":[{"type":"insecureAcceptAnything"}]}""");
        File.WriteAllText(StorageFile, $"[storage]\ndriver = \"vfs\"\ngraphroot = \"{PathOf("storage")}\"\nrunroot = \"{PathOf("storage-run")}\"\n");
    }

    private static void Sweep(string stagingDirectory)
    {
        using var directory = DirectoryHandle.Open(stagingDirectory);
        foreach (var entry in System.IO.Directory.EnumerateDirectories(stagingDirectory, Prefix + "*"))
        {
            using var free = FileLock.TryExclusive(entry);
            if (free is not null) directory.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(entry)));
        }
    }
}
