using System.Globalization;
using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes;

/// <summary>Who a step's program is, inside the container.</summary>
internal readonly record struct ContainerUser(uint Uid, uint Gid, string? Home)
{
    /// <summary>Used where neither the job nor the image names a user: never root by default.</summary>
    private const uint DefaultId = 1000;

    private const int MaxPasswdBytes = 1 << 20;

    /// <summary>Resolves <c>name</c>, <c>name:group</c>, <c>uid</c> or <c>uid:gid</c> against the image's own passwd and group files.</summary>
    /// <exception cref="RejectedRequestException">No such user or group is in the image, or the id is above 65,535.</exception>
    public static ContainerUser Resolve(string? specification, Image image, string field)
    {
        var text = string.IsNullOrEmpty(specification) ? image.Config.User : specification;
        if (string.IsNullOrEmpty(text)) text = DefaultId.ToString(CultureInfo.InvariantCulture);
        var parts = text.Split(':', 2);
        var entry = ReadFields(image, "etc/passwd").FirstOrDefault(fields => fields.Length >= 6 && (fields[0] == parts[0] || fields[2] == parts[0]));
        var uid = TryId(parts[0]) ?? TryId(entry?[2]) ?? throw Rejected(field, $"The user '{parts[0]}' is not in the image's /etc/passwd.");
        var gid = TryId(entry?[3]) ?? uid;
        if (parts.Length == 2)
        {
            var group = ReadFields(image, "etc/group").FirstOrDefault(fields => fields.Length >= 3 && fields[0] == parts[1]);
            gid = TryId(parts[1]) ?? TryId(group?[2]) ?? throw Rejected(field, $"The group '{parts[1]}' is not in the image's /etc/group.");
        }

        if (uid >= IdSlice.Size || gid >= IdSlice.Size) throw Rejected(field, $"The user {uid}:{gid} is out of range: ids inside a container are below {IdSlice.Size}.");
        return new ContainerUser(uid, gid, entry?[5]);
    }

    private static RejectedRequestException Rejected(string field, string message) => new(field, message);

    private static uint? TryId(string? text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    // The file is the image's: it may be a link out of the tree, a FIFO, or endless (CVE-2024-9676).
    private static IEnumerable<string[]> ReadFields(Image image, string path)
    {
        var inReadOnly = image.ReadOnlyMounts.Any(mount => $"/{path}".StartsWith($"{mount}/", StringComparison.Ordinal));
        using var root = DirectoryHandle.Open(inReadOnly ? image.ReadOnlyDirectory : image.EditableDirectory);
        byte[] content;
        try
        {
            using var file = root.OpenRead(Encoding.UTF8.GetBytes(path), Linux.Resolve.InRoot);
            var status = DirectoryHandle.StatusOf(file);
            if (status.Kind != FileKind.Regular || status.Size > MaxPasswdBytes) return [];
            content = new byte[status.Size];
            var length = RandomAccess.Read(file, content, 0);
            content = content[..length];
        }
        catch (LinuxException)
        {
            return [];
        }

        return Encoding.UTF8.GetString(content).Split('\n').Select(line => line.Split(':'));
    }
}
