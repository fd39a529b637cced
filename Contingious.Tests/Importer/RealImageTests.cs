using Contingious.Engine.Images;
using Contingious.Engine.Images.Trees;
using Contingious.Engine.Programs;
using Contingious.Importer;
using Contingious.Importer.Sources;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>
/// A real image: a Debian with gcc and python3 by mmdebstrap, more layers by buildah that remove, replace and change, pushed to a real registry.
/// What is imported from there is what umoci makes of the same layout.
/// </summary>
[Trait("Needs", "keeper")]
public sealed class RealImageTests(PrivateRegistry registry) : IClassFixture<PrivateRegistry>
{
    /// <summary>What an import makes for sandboxes where the image lacks it.</summary>
    private static readonly string[] made = [".contingious", "io", "etc/hostname", "etc/hosts", "etc/resolv.conf"];

    /// <summary>The directories in which it may have made something; also the root, which no layer need describe.</summary>
    private static readonly string[] changed = ["", "etc"];

    [Fact]
    public async Task A_Debian_of_several_layers_from_a_registry_is_what_umoci_makes_of_it()
    {
        Prerequisite.Require(new[] { "umoci", "mmdebstrap", "buildah", "skopeo", "docker-registry" }.All(program => ProgramRunner.Find(program) is not null), "umoci, mmdebstrap, buildah, skopeo and docker-registry");
        using var fixture = new ImportFixture();
        var layout = fixture.Scratch["real"];
        await RunAsync($"{Repository.Root}/eng/real-image.sh", layout, "gcc,libc6-dev,python3", "latest");
        await registry.PushAsync($"oci:{layout}:latest", "real", "--preserve-digests");

        var image = await fixture.ImportFromAsync($"docker://{registry.Address}/real", request => request with { Registry = new RegistryAccess { VerifyTls = false } });

        Assert.Equal(4, image.DiffIds.Count);
        Assert.Contains("/usr", image.ReadOnlyMounts);
        var theirs = await UmociAsync(layout, fixture.Scratch["umoci"]);
        var ours = Whole(image);
        Assert.True(theirs.Count > 5000, $"umoci unpacked {theirs.Count} entries only");
        Assert.Empty(theirs.Keys.Except(ours.Keys).Order(StringComparer.Ordinal));
        Assert.Empty(ours.Keys.Except(theirs.Keys).Except(made).Order(StringComparer.Ordinal));
        var differences = theirs.Where(entry => Plain(entry.Key, ours[entry.Key]) != Plain(entry.Key, entry.Value)).Select(entry => $"{entry.Key}: {ours[entry.Key]}, by umoci {entry.Value}").Order(StringComparer.Ordinal);
        Assert.Empty(differences);

        // What the layers did to each other.
        Assert.DoesNotContain(theirs.Keys, path => path == "usr/share/doc" || path.StartsWith("usr/share/doc/", StringComparison.Ordinal));
        Assert.StartsWith("type=link", ours["srv"], StringComparison.Ordinal);
        Assert.StartsWith("type=dir", ours["etc/debian_version"], StringComparison.Ordinal);
        Assert.Equal(["opt/course/lib/json/new.py"], ours.Keys.Where(path => path.StartsWith("opt/course/lib/json/", StringComparison.Ordinal)));
        Assert.Contains("mode=0750 uid=1000 gid=1000", ours["opt/course"], StringComparison.Ordinal);
    }

    /// <summary>Set-id bits are dropped here, and two directories are as new as the import.</summary>
    private static string Plain(string path, string line)
    {
        var words = line.Split(' ').Where(word => !changed.Contains(path) || !word.StartsWith("time=", StringComparison.Ordinal));
        return string.Join(' ', words.Select(word => word.StartsWith("mode=", StringComparison.Ordinal) ? Mode(word) : word));
    }

    private static string Mode(string word)
    {
        var mode = Convert.ToInt32(word["mode=".Length..], 8) & 0x3FF;
        return $"mode={Convert.ToString(mode, 8).PadLeft(4, '0')}";
    }

    /// <summary>Both trees as one: what is in or is a read-only subtree from there, everything else from the editable one.</summary>
    private static Dictionary<string, string> Whole(Image image)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        var mounts = image.ReadOnlyMounts.Select(mount => mount[1..]).ToList();
        foreach (var (path, line) in Lines(Path.Combine(Path.GetDirectoryName(image.EditableDirectory) ?? "", TreeListing.Name)))
        {
            var slash = path.IndexOf('/', StringComparison.Ordinal);
            var (tree, inside) = slash < 0 ? (path, "") : (path[..slash], path[(slash + 1)..]);
            var isBound = mounts.Any(mount => inside == mount || inside.StartsWith(mount + "/", StringComparison.Ordinal));
            if (tree == (isBound ? ImageStore.ReadOnlyName : ImageStore.EditableName)) all[inside] = line;
            // The mount point is as what is bound over it.
            else if (isBound) Assert.Contains(inside, mounts);
        }

        return all;
    }

    private static async Task<Dictionary<string, string>> UmociAsync(string layout, string bundle)
    {
        await RunAsync("umoci", "unpack", "--image", $"{layout}:latest", bundle);
        Directory.CreateDirectory(Path.Combine(bundle, ImageStore.ReadOnlyName));
        await TreeListing.WriteAsync(bundle, TestContext.Current.CancellationToken);
        return Lines(Path.Combine(bundle, TreeListing.Name)).Where(entry => entry.Path.StartsWith("rootfs", StringComparison.Ordinal))
            .ToDictionary(entry => entry.Path == "rootfs" ? "" : entry.Path["rootfs/".Length..], entry => entry.Line, StringComparer.Ordinal);
    }

    private static IEnumerable<(string Path, string Line)> Lines(string listing) => File.ReadLines(listing, System.Text.Encoding.Latin1)
        .Where(line => line.StartsWith("./", StringComparison.Ordinal))
        .Select(line => (line[2..line.IndexOf(' ', StringComparison.Ordinal)], line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]));

    private static Task<ProgramResult> RunAsync(string program, params string[] args) => ProgramRunner.RequireAsync(new ProgramRequest(program, args), TestContext.Current.CancellationToken);
}
