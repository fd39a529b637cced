using System.Diagnostics;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>Random images against what the image-spec says of them, and against another program that unpacks images.</summary>
public sealed class UnpackPropertyTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    [Fact]
    public void Random_layers_make_what_the_image_spec_says()
    {
        Privileges.NeedRoot();
        for (var seed = 0; seed < (Soak.IsAsked ? 5000 : 400); seed++) AssertUnpacked(seed);
    }

    [Fact]
    public void Random_layers_make_what_umoci_makes_of_them()
    {
        Privileges.NeedRoot();
        Prerequisite.Require(File.Exists("/usr/bin/umoci"), "umoci");
        for (var seed = 0; seed < (Soak.IsAsked ? 1000 : 30); seed++)
        {
            var image = new RandomImage(seed);
            // Which it refuses even where there is nothing but a whiteout behind it.
            if (image.Model.HasLoop) continue;
            var ours = Unpack(image);
            var theirs = UnpackByUmoci(image);
            // It gives the time of the import to directories that no layer describes, and to those in which it made one of these.
            var timeless = Undescribed(image.Model.Root);
            timeless.UnionWith(theirs.Where(line => line.Contains(" Directory ", StringComparison.Ordinal) && line.Split('@')[1].Contains('.', StringComparison.Ordinal)).Select(line => line.Split(' ')[0]));
            AssertSame(TreeLines.WithoutTimes(theirs, timeless), TreeLines.WithoutTimes(ours, timeless), image, seed);
        }
    }

    public void Dispose() => scratch.Dispose();

    private void AssertUnpacked(int seed)
    {
        var image = new RandomImage(seed);
        AssertSame(image.Model.Listing(), Unpack(image), image, seed);
    }

    private static void AssertSame(IReadOnlyList<string> expected, IReadOnlyList<string> actual, RandomImage image, int seed)
    {
        var differences = expected.Except(actual).Select(line => $"- {line}").Concat(actual.Except(expected).Select(line => $"+ {line}")).Order(StringComparer.Ordinal).ToList();
        Assert.True(differences.Count == 0, $"seed {seed}:\n{string.Join('\n', differences)}\nof\n{string.Join('\n', image.Steps)}");
    }

    private IReadOnlyList<string> Unpack(RandomImage image)
    {
        using var parent = DirectoryHandle.Open(scratch.Root);
        parent.RemoveTree("rootfs"u8);
        Directory.CreateDirectory(scratch["rootfs"]);
        using (var root = DirectoryHandle.Open(scratch["rootfs"]))
        {
            root.SetMode(0x1ED);
            var unpacker = new LayerUnpacker(root, ImportLimits.Default, new UnpackReport(), keepOwners: true);
            foreach (var layer in image.Layers) unpacker.Apply(new MemoryStream(layer), TestContext.Current.CancellationToken);
        }

        return TreeLines.Of(scratch["rootfs"]);
    }

    private IReadOnlyList<string> UnpackByUmoci(RandomImage image)
    {
        using var parent = DirectoryHandle.Open(scratch.Root);
        parent.RemoveTree("layout"u8);
        parent.RemoveTree("bundle"u8);
        Directory.CreateDirectory(scratch["layout"]);
        var layout = new LayoutBuilder(scratch["layout"]);
        foreach (var layer in image.Layers) layout.Layer(layer);
        layout.Build();
        using var umoci = Process.Start(new ProcessStartInfo("umoci", ["unpack", "--image", $"{scratch["layout"]}:latest", scratch["bundle"]]) { RedirectStandardError = true })!;
        var error = umoci.StandardError.ReadToEnd();
        umoci.WaitForExit();
        Assert.True(umoci.ExitCode == 0, error);
        return TreeLines.Of(scratch["bundle/rootfs"]);
    }

    /// <summary>Directories that no layer describes.</summary>
    private static HashSet<string> Undescribed(ModelNode root)
    {
        var paths = new HashSet<string> { "." };
        Walk(root, "");
        return paths;

        void Walk(ModelNode directory, string prefix)
        {
            foreach (var (name, child) in directory.Children)
            {
                if (child.Node.IsUndescribed) paths.Add(prefix + name);
                Walk(child.Node, $"{prefix}{name}/");
            }
        }
    }
}
