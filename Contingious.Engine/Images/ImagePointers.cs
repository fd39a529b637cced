namespace Contingious.Engine.Images;

/// <summary>The files <c>names/NAME@TAG</c>: each holds the digest that the name means, and is replaced as a whole by a rename.</summary>
internal sealed class ImagePointers(string directory)
{
    public void CreateDirectory() => Directory.CreateDirectory(directory);

    /// <summary>What a name points to; nothing where there is no such name.</summary>
    public Digest? Find(ImageReference name) => Read(Path.Combine(directory, name.FileName));

    /// <summary>Every name, sorted.</summary>
    public IReadOnlyList<(ImageReference Name, Digest Digest)> All()
    {
        if (!Directory.Exists(directory)) return [];
        return
        [
            .. from path in Directory.EnumerateFiles(directory)
               let name = ImageReference.FromFileName(Path.GetFileName(path))
               let digest = Read(path)
               where name is not null && digest is not null
               orderby name.ToString()
               select (name, digest.Value),
        ];
    }

    public void Set(ImageReference name, Digest digest)
    {
        // A name of ours cannot start with a dot, so a left-over of a crash is never taken for one.
        var fresh = Path.Combine(directory, $".{Guid.NewGuid():N}");
        using (var file = new FileStream(fresh, FileMode.CreateNew))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes($"{digest}\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(fresh, Path.Combine(directory, name.FileName), overwrite: true);
    }

    private static Digest? Read(string path)
    {
        try
        {
            return Digest.TryParse(File.ReadAllText(path).TrimEnd('\n'), out var digest) ? digest : null;
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
