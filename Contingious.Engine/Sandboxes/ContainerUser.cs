using System.Globalization;
using System.Text;
using Contingious.Engine.Images;

namespace Contingious.Engine.Sandboxes;

/// <summary>Who a step's program is, inside the container.</summary>
internal readonly record struct ContainerUser(uint Uid, uint Gid, string? Home)
{
    /// <summary>Used where neither the job nor the image names a user: never root by default.</summary>
    private const uint DefaultId = 1000;

    /// <summary>Resolves <c>name</c>, <c>name:group</c>, <c>uid</c> or <c>uid:gid</c> against the image's own passwd and group files.</summary>
    /// <param name="specification">What the step says, if anything.</param>
    /// <param name="image">Its image, whose user is taken where the step says nothing.</param>
    /// <param name="root">Whether the job asks for root. Where it does not, an image's root becomes uid 1000.</param>
    /// <param name="field">Where in the request the user stands.</param>
    /// <exception cref="RejectedRequestException">No such user or group is in the image, the id is above 65,535, or it is root without the job's asking for it.</exception>
    public static ContainerUser Resolve(string? specification, Image image, bool root, string field)
    {
        if (!string.IsNullOrEmpty(specification))
        {
            var asked = Find(specification, image, field);
            return asked.Uid != 0 || root ? asked : throw Rejected(field, $"The user '{specification}' is root, which a job must ask for: set root to true, or name another user.");
        }

        if (root) return Find("0", image, field);
        var own = string.IsNullOrEmpty(image.Config.User) ? default(ContainerUser?) : Find(image.Config.User, image, field);
        return own is { Uid: not 0 } user ? user : Find(DefaultId.ToString(CultureInfo.InvariantCulture), image, field);
    }

    private static ContainerUser Find(string text, Image image, string field)
    {
        var parts = text.Split(':', 2);
        var entry = ReadFields(image, "/etc/passwd").FirstOrDefault(fields => fields.Length >= 6 && (fields[0] == parts[0] || fields[2] == parts[0]));
        var uid = TryId(parts[0]) ?? TryId(entry?[2]) ?? throw Rejected(field, $"The user '{parts[0]}' is not in the image's /etc/passwd.");
        var gid = TryId(entry?[3]) ?? uid;
        if (parts.Length == 2)
        {
            var group = ReadFields(image, "/etc/group").FirstOrDefault(fields => fields.Length >= 3 && fields[0] == parts[1]);
            gid = TryId(parts[1]) ?? TryId(group?[2]) ?? throw Rejected(field, $"The group '{parts[1]}' is not in the image's /etc/group.");
        }

        if (uid >= IdSlice.Size || gid >= IdSlice.Size) throw Rejected(field, $"The user {uid}:{gid} is out of range: ids inside a container are below {IdSlice.Size}.");
        return new ContainerUser(uid, gid, entry?[5]);
    }

    private static RejectedRequestException Rejected(string field, string message) => new(field, message);

    private static uint? TryId(string? text) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

    private static IEnumerable<string[]> ReadFields(Image image, string path) =>
        Encoding.UTF8.GetString(ImageText.Read(image, path)).Split('\n').Select(line => line.Split(':'));
}
