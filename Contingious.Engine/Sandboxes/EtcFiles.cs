using System.Globalization;
using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;

namespace Contingious.Engine.Sandboxes;

/// <summary>A step's user and where it works, which is its home where the image's passwd has none for it.</summary>
internal readonly record struct EtcUser(ContainerUser User, string WorkingDirectory);

/// <summary>
/// What a sandbox finds in <c>/etc</c> whatever its image says: <c>hosts</c> and <c>hostname</c>, so that <c>localhost</c>
/// and the sandbox's own name resolve; <c>resolv.conf</c> for the network it has; <c>passwd</c> and <c>group</c>, which
/// are the image's and below them whoever the job runs as, so that the user has a name.
/// </summary>
internal static class EtcFiles
{
    /// <summary>The name of every sandbox (its UTS namespace's).</summary>
    public const string Hostname = "sandbox";

    /// <summary>What the five can take of a clone's size beside the image's own: a page each, and one more where passwd or group grows.</summary>
    public const long RoomBytes = 7 * 4096;

    private const uint Root = 0;
    private const uint Nobody = 65534;
    private const uint FileMode = 0x1A4;      // 0644
    private const uint DirectoryMode = 0x1ED; // 0755

    /// <summary>
    /// Makes the files of one clone, before anything runs in it. Where <c>/etc</c> is editable they are written into the
    /// clone, in the place of whatever is there; where it is read-only they have to be bound over the image's.
    /// </summary>
    /// <param name="root">The root of the clone.</param>
    /// <param name="image">Whose clone it is.</param>
    /// <param name="firstId">The slice's first id: the container's root, who owns the files.</param>
    /// <param name="users">Whoever runs in the clone, step after step.</param>
    /// <param name="directory">Made for what is to be bound; the container's own root can walk to it.</param>
    /// <param name="hasNetwork">Whether the sandbox reaches a network beyond its loopback, through slirp4netns.</param>
    /// <returns>What to bind; nothing where the clone has the files itself.</returns>
    public static IReadOnlyList<BindMount> Prepare(
        DirectoryHandle root, Image image, uint firstId, IReadOnlyList<EtcUser> users, string directory, bool hasNetwork)
    {
        var contents = Contents(image, users, hasNetwork);
        var isReadOnly = RootfsClone.ReadOnlyMountsOf(image).Any(mount => RootfsSplit.SandboxFiles[0].StartsWith($"{mount}/", StringComparison.Ordinal));
        return isReadOnly ? Bind(image, contents, firstId, directory) : Write(root, contents, firstId);
    }

    private static IReadOnlyList<BindMount> Write(DirectoryHandle root, IReadOnlyDictionary<string, byte[]> contents, uint firstId)
    {
        try
        {
            using var etc = root.OpenDirectory("etc");
            foreach (var (path, content) in contents) Put(etc, path, content, firstId);
        }
        catch (LinuxException error) when (error.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP)
        {
            // Only in an image that was imported before the importer saw to it; such a one runs as it did then.
        }

        return [];
    }

    private static List<BindMount> Bind(Image image, IReadOnlyDictionary<string, byte[]> contents, uint firstId, string directory)
    {
        Directory.CreateDirectory(directory);
        using var made = DirectoryHandle.Open(directory);
        made.SetMode(DirectoryMode);
        var binds = new List<BindMount>();
        using var readOnly = DirectoryHandle.Open(image.ReadOnlyDirectory);
        foreach (var (path, content) in contents)
        {
            // As above: crun would follow a link that an older import left there, and cannot make what is missing.
            if (!IsRegular(readOnly, path)) continue;
            Put(made, path, content, firstId);
            binds.Add(new BindMount($"{directory}/{Path.GetFileName(path)}", path, "ro", "nosuid", "nodev", "noexec"));
        }

        return binds;
    }

    private static bool IsRegular(DirectoryHandle readOnly, string path)
    {
        try
        {
            using var etc = readOnly.OpenDirectory("etc");
            return etc.TryStatus(Name(path))?.Kind == FileKind.Regular;
        }
        catch (LinuxException)
        {
            return false;
        }
    }

    private static void Put(DirectoryHandle etc, string path, byte[] content, uint firstId)
    {
        var name = Name(path);
        etc.RemoveTree(name);
        using var file = etc.CreateFile(name, FileMode);
        RandomAccess.Write(file, content, 0);
        DirectoryHandle.SetOwner(file, firstId, firstId);
        DirectoryHandle.SetMode(file, FileMode);
    }

    private static byte[] Name(string path) => Encoding.UTF8.GetBytes(Path.GetFileName(path));

    private static Dictionary<string, byte[]> Contents(Image image, IReadOnlyList<EtcUser> users, bool hasNetwork) => new()
    {
        ["/etc/hosts"] = Text($"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t{Hostname}\n"),
        ["/etc/hostname"] = Text($"{Hostname}\n"),
        ["/etc/resolv.conf"] = Text(hasNetwork ? $"nameserver {Slirp.NameServer}\n" : "# This sandbox has no network.\n"),
        ["/etc/passwd"] = Passwd(ImageText.Read(image, "/etc/passwd"), users),
        ["/etc/group"] = Group(ImageText.Read(image, "/etc/group"), users),
    };

    private static byte[] Passwd(byte[] image, IReadOnlyList<EtcUser> users)
    {
        var lines = new AccountLines(image);
        if (!lines.Has(Root)) lines.Add(lines.Free("root", "user0"), Root, "0", "root", "/root", "/bin/sh");
        foreach (var (user, directory) in users)
        {
            if (lines.Has(user.Uid) || user.Uid == Nobody) continue;
            var name = lines.Free("student", Numbered("user", user.Uid));
            lines.Add(name, user.Uid, user.Gid.ToString(CultureInfo.InvariantCulture), name, user.Home ?? directory, "/bin/sh");
        }

        if (!lines.Has(Nobody)) lines.Add(lines.Free("nobody", Numbered("user", Nobody)), Nobody, "65534", "nobody", "/nonexistent", "/bin/false");
        return lines.ToBytes();
    }

    private static byte[] Group(byte[] image, IReadOnlyList<EtcUser> users)
    {
        var lines = new AccountLines(image);
        if (!lines.Has(Root)) lines.Add(lines.Free("root", "group0"), Root, "");
        foreach (var (user, _) in users)
        {
            if (!lines.Has(user.Gid) && user.Gid != Nobody) lines.Add(lines.Free("student", Numbered("group", user.Gid)), user.Gid, "");
        }

        if (!lines.Has(Nobody)) lines.Add(lines.Free("nogroup", "nobody", Numbered("group", Nobody)), Nobody, "");
        return lines.ToBytes();
    }

    private static string Numbered(string kind, uint id) => string.Create(CultureInfo.InvariantCulture, $"{kind}{id}");

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);
}
