using System.Text;

namespace Contingious.Engine.Images;

/// <summary>The files <c>names/NAME@TAG</c>: each holds the id of the image that the name means, and is replaced as a whole by a rename.</summary>
/// <remarks>Whoever changes them holds the store's lock.</remarks>
internal sealed class ImagePointers(string directory)
{
    public void CreateDirectory() => Directory.CreateDirectory(directory);

    /// <summary>What a name points to; nothing where there is no such name.</summary>
    public Digest? Find(ImageReference name) => Read(Path.Combine(directory, name.FileName));

    /// <summary>Every name, sorted.</summary>
    public IReadOnlyList<(ImageReference Name, Digest Id)> All()
    {
        if (!Directory.Exists(directory)) return [];
        return
        [
            .. from path in Directory.EnumerateFiles(directory)
               let name = ImageReference.FromFileName(Path.GetFileName(path))
               let id = Read(path)
               where name is not null && id is not null
               orderby name.ToString()
               select (name, id.Value),
        ];
    }

    /// <summary>Writes what a name is to point to, and does not let it do so yet: a full disk is found out before anything is changed.</summary>
    public PendingPointer Prepare(ImageReference name, Digest id)
    {
        // A name of ours cannot start with a dot, so a left-over of a crash is never taken for one.
        var fresh = Path.Combine(directory, $".{Guid.NewGuid():N}");
        var pending = new PendingPointer(fresh, Path.Combine(directory, name.FileName));
        try
        {
            using var file = new FileStream(fresh, FileMode.CreateNew);
            file.Write(Encoding.ASCII.GetBytes($"{id}\n"));
            file.Flush(flushToDisk: true);
            return pending;
        }
        catch
        {
            pending.Dispose();
            throw;
        }
    }

    public void Remove(ImageReference name) => File.Delete(Path.Combine(directory, name.FileName));

    /// <summary>Removes what killed owners had prepared.</summary>
    public void Sweep()
    {
        foreach (var left in Directory.EnumerateFiles(directory, ".*").ToList()) File.Delete(left);
    }

    private static Digest? Read(string path)
    {
        try
        {
            return Digest.TryParse(File.ReadAllText(path).TrimEnd('\n'), out var id) ? id : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>A pointer that is written and not in force.</summary>
internal sealed class PendingPointer(string fresh, string final) : IDisposable
{
    public void Commit() => File.Move(fresh, final, overwrite: true);

    public void Dispose() => File.Delete(fresh);
}
