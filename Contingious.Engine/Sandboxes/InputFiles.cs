using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>Puts a job's files into its clone, through descriptors only: a link in the way is never followed.</summary>
/// <param name="clone">The step's clone.</param>
/// <param name="places">What the container sees at other places than its rootfs, by their paths there, and where it is.</param>
/// <param name="firstId">The slice's first id, added to every owner.</param>
/// <param name="user">Whose the files become.</param>
/// <param name="workingDirectory">What relative paths are relative to.</param>
/// <param name="mountPoints">Where something is mounted over the clone: a file put there would never be seen.</param>
internal sealed class InputFiles(
    RootfsClone? clone, IReadOnlyDictionary<string, string> places, uint firstId, ContainerUser user, string workingDirectory, IReadOnlyList<string> mountPoints)
{
    private const uint DirectoryMode = 0x1ED; // 0755
    private const uint FileMode = 0x1A4;      // 0644

    /// <summary>
    /// Checks every path before anything runs, so that what is wrong later on is a step's doing and not the job's.
    /// </summary>
    /// <exception cref="RejectedRequestException">A path leaves the clone, names no file, or would be hidden by a mount.</exception>
    public void Validate(IReadOnlyList<InputFile> files, string field)
    {
        for (var i = 0; i < files.Count; i++)
        {
            var (path, at) = (Absolute(files[i].Path), $"{field}[{i}].path");
            if (files[i].Path.Length == 0 || Components(path, at).Count == 0 || path.EndsWith("/.", StringComparison.Ordinal)) throw new RejectedRequestException(at, "The path names no file.");
            if (places.Keys.FirstOrDefault(place => IsBelow(path, place) && IsBelow(place, path)) is { } itself) throw new RejectedRequestException(at, $"{itself} is a directory; name a file in it.");
            if (MountOver(path) is not { } mount) continue;
            throw new RejectedRequestException(at, $"{path} is below {mount}, where something read-only or of the container's own is mounted. Put it below an editable path, such as {workingDirectory}.");
        }
    }

    /// <exception cref="RejectedRequestException">The working directory is not a place in the rootfs.</exception>
    public void ValidateWorkingDirectory(string field)
    {
        if (!workingDirectory.StartsWith('/')) throw new RejectedRequestException(field, $"{workingDirectory} is not absolute.");
        if (IsBelow(workingDirectory, "/proc")) throw new RejectedRequestException(field, $"{workingDirectory} is below /proc, which is no place to work in.");
        _ = Components(workingDirectory, field);
    }

    /// <exception cref="RejectedRequestException">Something that is not a directory is in a path's way.</exception>
    public void Put(IReadOnlyList<InputFile> files, string field)
    {
        for (var i = 0; i < files.Count; i++) Put(files[i], $"{field}[{i}].path");
    }

    /// <summary>Makes the working directory, and gives it to the job's user where nobody but root could write to it.</summary>
    public void PrepareWorkingDirectory(string field)
    {
        // A read-only directory can be worked in; it is there already.
        if (MountOver(workingDirectory) is not null) return;
        var (root, below) = Open(Components(workingDirectory, field));
        using var opened = root;
        using var directory = Descend(root, below, field);
        if (directory.Status().Uid == firstId && user.Uid != 0) directory.SetOwner(firstId + user.Uid, firstId + user.Gid);
    }

    /// <summary>
    /// Checks that every place where crun is about to mount is a real directory, reached through real directories: an
    /// older crun follows a link there out of the rootfs (CVE-2026-47766). A step that was root of its container can
    /// have made one for the next step.
    /// </summary>
    /// <param name="destinations">Where something is mounted on a directory.</param>
    /// <param name="files">Where something is mounted on a file, which has to be a regular one.</param>
    /// <exception cref="RejectedRequestException">One is not.</exception>
    public void RequireMountPoints(IEnumerable<string> destinations, params IEnumerable<string> files)
    {
        using var root = Clone.Open();
        foreach (var file in files)
        {
            if (!IsRegular(root, file)) throw new RejectedRequestException("image", $"{file} is not a regular file, reached through real directories, and something must be mounted there.");
        }

        foreach (var destination in destinations)
        {
            try
            {
                root.OpenDirectory(destination.TrimStart('/')).Dispose();
            }
            catch (LinuxException error) when (error.Errno is Errno.ELOOP or Errno.ENOTDIR or Errno.ENOENT)
            {
                throw new RejectedRequestException("image", $"{destination} is not a real directory, and something must be mounted there.");
            }
        }
    }

    private static bool IsRegular(DirectoryHandle root, string path)
    {
        try
        {
            var slash = path.LastIndexOf('/');
            using var directory = root.OpenDirectory(slash == 0 ? "." : path[1..slash]);
            return directory.TryStatus(NativeText.Bytes(path[(slash + 1)..]))?.Kind == FileKind.Regular;
        }
        catch (LinuxException error) when (error.Errno is Errno.ELOOP or Errno.ENOTDIR or Errno.ENOENT)
        {
            return false;
        }
    }

    private RootfsClone Clone => clone ?? throw new InvalidOperationException("Before there is a clone, paths can only be checked.");

    private void Put(InputFile file, string field)
    {
        var (root, components) = Open(Components(Absolute(file.Path), field));
        using var opened = root;
        var name = components[^1];
        using var parent = Descend(root, components[..^1], field);
        parent.RemoveTree(name);
        using var target = parent.CreateFile(name, FileMode);
        RandomAccess.Write(target, file.Content.Span, 0);
        DirectoryHandle.SetOwner(target, firstId + user.Uid, firstId + user.Gid);
        DirectoryHandle.SetMode(target, file.Executable ? DirectoryMode : FileMode);
    }

    /// <summary>Opens a directory, making what is missing of it for the job's user.</summary>
    private DirectoryHandle Descend(DirectoryHandle root, IReadOnlyList<byte[]> components, string field)
    {
        try
        {
            return root.OpenOrMake(components, DirectoryMode, firstId + user.Uid, firstId + user.Gid);
        }
        catch (LinuxException error) when (error.Errno is Errno.ELOOP or Errno.ENOTDIR)
        {
            throw new RejectedRequestException(field, $"{Path.GetFileName(error.Path)} is a link or a file, not a directory: nothing is put through it.");
        }
    }

    /// <summary>Where a path's walk begins: at the root of the clone, or at the directory that is bound over the path's beginning.</summary>
    private (DirectoryHandle Root, List<byte[]> Below) Open(List<byte[]> components)
    {
        foreach (var (path, directory) in places)
        {
            var prefix = Components(path, "").Count;
            if (components.Count < prefix || $"/{string.Join('/', components[..prefix].Select(component => NativeText.Of(component)))}" != path) continue;
            return (DirectoryHandle.Open(directory), components[prefix..]);
        }

        return (Clone.Open(), components);
    }

    private string Absolute(string path) => path.StartsWith('/') ? path : $"{workingDirectory}/{path}";

    private string? MountOver(string path) => places.Keys.Any(place => IsBelow(path, place)) ? null : mountPoints.FirstOrDefault(mount => IsBelow(path, mount));

    private static bool IsBelow(string path, string directory)
    {
        var normal = $"/{string.Join('/', path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(component => component != "."))}/";
        return normal.StartsWith($"{directory}/", StringComparison.Ordinal);
    }

    private static List<byte[]> Components(string path, string field)
    {
        var components = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(component => component != ".").ToList();
        if (components.Contains("..") || path.Contains('\0', StringComparison.Ordinal))
        {
            throw new RejectedRequestException(field, $"The path {NativePath.Display(NativeText.Bytes(path))} holds '..' or a NUL byte: name a file below the working directory or an absolute path.");
        }

        return [.. components.Select(NativeText.Bytes)];
    }
}
