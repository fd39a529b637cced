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

    /// <summary>What is published: both trees are made here.</summary>
    public string ImageDirectory => PathOf("image");

    /// <summary>Layers that are not in the layer store yet.</summary>
    public string LayersDirectory => PathOf("layers");

    /// <summary>Empty, on the file system of <see cref="ImageDirectory"/>: files are made here before they take another's place.</summary>
    public string UnsharingDirectory => PathOf("unsharing");

    public string TemporaryDirectory => PathOf("tmp");

    /// <summary>containers-policy.json(5) that accepts unsigned images: their digests are verified here.</summary>
    public string PolicyFile => PathOf("policy.json");

    /// <summary>containers-storage.conf(5): without it the tools would use the host's storage.</summary>
    public string StorageFile => PathOf("storage.conf");

    /// <exception cref="DiskFullException">There is no room for it.</exception>
    public static StagingArea Create(string stagingDirectory)
    {
        try
        {
            return CreateIn(stagingDirectory);
        }
        catch (Exception error) when (DiskFullException.Explain(error, stagingDirectory) is { } full)
        {
            throw full;
        }
    }

    /// <summary>Removes what killed imports left; those that live are let alone.</summary>
    /// <returns>How many there were.</returns>
    public static int Clear(string stagingDirectory)
    {
        if (!System.IO.Directory.Exists(stagingDirectory)) return 0;
        using var gate = FileLock.Exclusive(stagingDirectory);
        return Sweep(stagingDirectory);
    }

    private static StagingArea CreateIn(string stagingDirectory)
    {
        System.IO.Directory.CreateDirectory(stagingDirectory);
        // One import at a time gets past here, so that nobody sweeps a directory that is made and not locked yet.
        using var gate = FileLock.Exclusive(stagingDirectory);
        _ = Sweep(stagingDirectory);
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
        System.IO.Directory.CreateDirectory(LayersDirectory);
        System.IO.Directory.CreateDirectory(UnsharingDirectory);
        File.WriteAllText(PolicyFile, """{"default":[{"type":"insecureAcceptAnything"}]}""");
        File.WriteAllText(StorageFile, $"[storage]\ndriver = \"vfs\"\ngraphroot = \"{PathOf("storage")}\"\nrunroot = \"{PathOf("storage-run")}\"\n");
    }

    private static int Sweep(string stagingDirectory)
    {
        var removed = 0;
        using var directory = DirectoryHandle.Open(stagingDirectory);
        foreach (var entry in System.IO.Directory.EnumerateDirectories(stagingDirectory, Prefix + "*").ToList())
        {
            try
            {
                using var free = FileLock.TryExclusive(entry);
                if (free is null) continue;
                directory.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(entry)));
                removed++;
            }
            catch (LinuxException error) when (error.Errno is Errno.ENOTEMPTY or Errno.ENOENT)
            {
                // A tool that outlived the import that started it still writes there, and the next sweep has it; or an import has just ended, and took its own.
            }
        }

        return removed;
    }
}
