namespace Contingious.Tests.Importer.Support;

/// <summary>The layers of an image by a seed, with few names, so that they meet, and what its rootfs must be.</summary>
internal sealed class RandomImage
{
    private static readonly string[] names = ["a", "b", "c", "d"];
    private readonly uint[] fileModes;
    private readonly uint[] directoryModes;
    private readonly long[] ids;

    private readonly Random random;

    /// <param name="seed">The same for the same image.</param>
    /// <param name="anyOwner">Off where there is no right to chown.</param>
    public RandomImage(int seed, bool anyOwner = true)
    {
        ids = anyOwner ? [0, 1, 1000, 65535] : [0];
        fileModes = anyOwner ? [0x1A4, 0x180, 0x1ED, 0, 0x124] : [0x1A4, 0x180];
        directoryModes = anyOwner ? [0x1ED, 0x1C0, 0x3FF, 0] : [0x1ED, 0x1C0];
        random = new Random(seed);
        var layers = random.Next(1, 6);
        for (var i = 0; i < layers; i++)
        {
            Model.Layer = i;
            Layers.Add(Layer(random.Next(1, 25)));
        }
    }

    public List<byte[]> Layers { get; } = [];

    /// <summary>What the layers say, for a message.</summary>
    public List<string> Steps { get; } = [];

    public ModelRootfs Model { get; } = new();

    private byte[] Layer(int entries)
    {
        var tar = new TarBuilder();
        for (var i = 0; i < entries; i++) Entry(tar);
        Steps.Add("--");
        return tar.Build();
    }

    private void Entry(TarBuilder tar)
    {
        var path = Path();
        var name = (random.Next(3) == 0 ? "./" : "") + string.Join('/', path);
        switch (random.Next(12))
        {
            case < 4:
                var file = new ModelNode { Kind = TarNodeKind.File, Mode = Pick(fileModes), Uid = Pick(ids), Gid = Pick(ids), Mtime = Time(), Content = new string((char)random.Next('!', '&'), random.Next(3) * 700), Xattr = Xattr() };
                if (Model.Put(path, file)) WithXattr(tar, file).File(Told(name, "file"), file.Content, file.Mode, file.Uid, file.Gid, file.Mtime);
                break;
            case < 7:
                var directory = new ModelNode { Kind = TarNodeKind.Directory, Mode = Pick(directoryModes), Uid = Pick(ids), Gid = Pick(ids), Mtime = Time(), Xattr = Xattr() };
                if (Model.Put(path, directory)) WithXattr(tar, directory).Directory(Told(name, "directory") + (random.Next(2) == 0 ? "/" : ""), directory.Mode, directory.Uid, directory.Gid, directory.Mtime);
                break;
            case 7:
                var link = new ModelNode { Kind = TarNodeKind.Symlink, Target = Target(), Mtime = 1_700_000_000 };
                if (Model.Put(path, link)) tar.Symlink(Told(name, $"-> {link.Target}"), link.Target);
                break;
            case 8:
                var to = Path();
                if (Model.Link(path, to)) tar.HardLink(Told(name, $"= {string.Join('/', to)}"), string.Join('/', to));
                break;
            case < 11:
                Model.Whiteout(path);
                tar.File(Told(string.Join('/', [.. path.SkipLast(1), $".wh.{path[^1]}"]), ""));
                break;
            default:
                Model.Opaque([.. path.SkipLast(1)]);
                tar.File(Told(string.Join('/', [.. path.SkipLast(1), ".wh..wh..opq"]), ""));
                break;
        }
    }

    private string Told(string name, string what)
    {
        Steps.Add($"{name} {what}");
        return name;
    }

    private string[] Path() => [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Pick(names))];

    private string Target() => random.Next(3) switch
    {
        0 => "/" + string.Join('/', Path()),
        1 => "../" + string.Join('/', Path()),
        _ => Pick(names),
    };

    private long Time() => random.Next(1, 1_600_000_000);

    private string? Xattr() => random.Next(5) == 0 ? $"value {random.Next(100)}" : null;

    private static TarBuilder WithXattr(TarBuilder tar, ModelNode node) => node.Xattr is null ? tar : tar.Pax(("SCHILY.xattr.user.test", TarBuilder.Bytes(node.Xattr)));

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];
}
