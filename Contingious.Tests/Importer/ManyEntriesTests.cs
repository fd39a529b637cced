using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

public sealed class ManyEntriesTests : IDisposable
{
    private const int Million = 1_000_000;

    private readonly ScratchDirectory scratch = new();

    [Fact]
    public void B8_five_million_entries_are_refused_and_cost_nothing()
    {
        using var root = MakeRoot();
        var unpacker = new LayerUnpacker(root, ImportLimits.Default, new UnpackReport(), keepOwners: false);
        using var tar = new GeneratedTar(5 * Million, i => $".wh.{i}");
        var error = Assert.Throws<InvalidImageException>(() => unpacker.Apply(tar, TestContext.Current.CancellationToken));
        Assert.Contains("1000000 entries", error.Message, StringComparison.Ordinal);
        Assert.Empty(root.Entries());
    }

    [Fact]
    public void B8_directories_that_no_layer_describes_count_too()
    {
        using var root = MakeRoot();
        var unpacker = new LayerUnpacker(root, ImportLimits.Default with { Entries = 100 }, new UnpackReport(), keepOwners: false);
        var tar = new TarBuilder();
        foreach (var name in new[] { "a", "b", "c" }) tar.File($"{string.Join('/', Enumerable.Repeat(name, 45))}/f");
        Assert.Contains("100 entries", Assert.Throws<InvalidImageException>(() => unpacker.Apply(new MemoryStream(tar.Build()), TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void B8_a_million_entries_are_unpacked_and_recorded_within_the_memory_budget()
    {
        Soak.Require();
        using var root = MakeRoot();
        Directory.CreateDirectory(scratch["staged"]);
        using var staged = DirectoryHandle.Open(scratch["staged"]);
        var unpacker = new LayerUnpacker(root, ImportLimits.Default, new UnpackReport(), keepOwners: Privileges.IsRoot);
        // Not the lowest layer, whose contents need not be kept.
        unpacker.Apply(new MemoryStream(new TarBuilder().File("lower").Build()), TestContext.Current.CancellationToken);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var most = 0L;
        using (var recorder = new LayerRecorder(staged, "test"))
        using (var tar = new GeneratedTar(Million - 1, Name))
        {
            unpacker.Apply(new TarLayer(tar, ImportLimits.Default.TarHeader, unpacker.Attributes, new UnpackReport(), recorder), TestContext.Current.CancellationToken);
            recorder.Complete();
        }

        Assert.InRange(most - before, 1, 64 << 20);
        Assert.Equal(1000, Directory.EnumerateDirectories(scratch["rootfs"]).Count());

        string Name(int i)
        {
            if (i % 50_000 == 0) most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true));
            return i % 1000 == 0 ? $"d{i / 1000}/" : $"d{i / 1000}/f{i % 1000}";
        }
    }

    public void Dispose() => scratch.Dispose();

    private DirectoryHandle MakeRoot()
    {
        Directory.CreateDirectory(scratch["rootfs"]);
        return DirectoryHandle.Open(scratch["rootfs"]);
    }
}
