using Contingious.Engine.Images;
using Contingious.Engine.Storage;
using Contingious.Tests.Support;

namespace Contingious.Tests.Storage;

/// <summary>A small image that is in no store: both trees of it in a directory of the test's own.</summary>
internal sealed class StagedImage : IDisposable
{
    private readonly string directory;

    private StagedImage(string directory) => this.directory = directory;

    public static byte[] Content { get; } = [.. Enumerable.Range(0, 10_000).Select(i => (byte)i)];

    public string ShiftedDirectory => $"{directory}/shifted";

    public string ReadOnlyFile => $"{directory}/ro-rootfs/usr/tool";

    public Image Image => new()
    {
        Digest = Digest.Of("an image"u8),
        EditableDirectory = $"{directory}/rootfs",
        ReadOnlyDirectory = $"{directory}/ro-rootfs",
        ReadOnlyMounts = ["/usr"],
        Config = new ImageConfig(),
        EditableBytes = 12 << 10,
        EditableFiles = 4,
        Source = "",
        ImportedAt = default,
    };

    public static StagedImage Make(SandboxPlace place)
    {
        var image = new StagedImage(Directory.CreateDirectory($"{place.Layout.StagingDirectory}/{place.Name}").FullName);
        Directory.CreateDirectory($"{image.directory}/rootfs/work");
        Directory.CreateDirectory($"{image.directory}/rootfs/usr");
        Directory.CreateDirectory($"{image.directory}/ro-rootfs/usr");
        File.WriteAllBytes($"{image.directory}/rootfs/work/data", Content);
        File.CreateSymbolicLink($"{image.directory}/rootfs/bin", "usr/bin");
        File.WriteAllText(image.ReadOnlyFile, "a tool");
        return image;
    }

    public RootfsClone Clone(SandboxPlace place, JobDisk disk, string name, CloneEngine engine, uint firstId = 65_536) =>
        RootfsClone.Create(place.Layout, disk, place.Directory, name, Image with { CloneEngine = engine }, firstId, TestContext.Current.CancellationToken);

    public void Dispose() => Directory.Delete(directory, recursive: true);
}
