using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks;

/// <summary>
/// What an import costs, against what others take to make a root file system of the same OCI layout: umoci unpack; and
/// skopeo copy, buildah from and buildah mount, over overlayfs and over vfs. All as root of the same user namespace, on the same file system, in
/// turns. Theirs end when the last byte is written; ours includes the wait until all of it is on disk, and the manifest of the tree.
/// </summary>
/// <param name="layout">An OCI layout with the refs <c>latest</c> and <c>changed</c> (another last layer), as eng/real-image.sh makes it.</param>
/// <param name="scratch">An empty directory on the file system of the image store.</param>
internal sealed class ImportBenchmark(string layout, string scratch)
{
    private const string Name = "contingious-benchmark";
    private const string Changed = "contingious-benchmark:changed";

    private readonly string contingious = Environment.GetEnvironmentVariable("CONTINGIOUS_CLI")
        ?? throw new ContingiousException("CONTINGIOUS_CLI names no program: start this with eng/benchmark.sh.");

    private readonly Dictionary<string, string> env = new(ProgramRunner.BareEnvironment)
    {
        ["HOME"] = scratch,
        ["TMPDIR"] = scratch,
        ["XDG_RUNTIME_DIR"] = scratch,
        ["DOTNET_ROOT"] = Environment.GetEnvironmentVariable("DOTNET_ROOT") ?? "",
        // buildah need not make a user namespace: it is in one.
        ["_CONTAINERS_USERNS_CONFIGURED"] = "done",
    };

    public async Task RunAsync(int rounds, TextWriter report)
    {
        File.WriteAllText(Path.Combine(scratch, "policy.json"), """{"default":[{"type":"insecureAcceptAnything"}]}""");
        var first = new Contender("contingious import", ForgetAsync, [Import("latest", Name)]);
        var umoci = new Contender("umoci unpack", () => RemoveAsync("bundle"), [["umoci", "unpack", "--image", $"{layout}:latest", Path.Combine(scratch, "bundle")]]);
        var overlay = Buildah("overlay");
        var vfs = Buildah("vfs");
        var again = new Contender("contingious import, the same image again", () => Task.CompletedTask, [Import("latest", Name)]);
        var changed = new Contender("contingious import, only the last layer is new", () => RemoveImageAsync(Changed), [Import("changed", Changed)]);
        List<Contender> turns = [umoci, overlay, vfs, first, again, changed];
        for (var round = 0; round <= rounds; round++)
        {
            // The first round is for the page cache.
            foreach (var contender in turns)
            {
                await Console.Error.WriteLineAsync($"round {round} of {rounds}: {contender.Name}").ConfigureAwait(false);
                await contender.RunAsync(env, isCounted: round > 0).ConfigureAwait(false);
            }
        }

        await ForgetAsync().ConfigureAwait(false);
        await RemoveAsync("bundle").ConfigureAwait(false);
        await DropStorageAsync("overlay").ConfigureAwait(false);
        await DropStorageAsync("vfs").ConfigureAwait(false);
        await WriteAsync(report, turns, first, rounds).ConfigureAwait(false);
    }

    private string[] Import(string reference, string name) => [contingious, "import", $"oci:{layout}:{reference}", "--name", name, "--quiet"];

    private Contender Buildah(string driver)
    {
        string[] storage = ["--storage-driver", driver, "--root", Path.Combine(scratch, driver), "--runroot", Path.Combine(scratch, $"{driver}-run")];
        var policy = Path.Combine(scratch, "policy.json");
        var target = $"containers-storage:[{driver}@{Path.Combine(scratch, driver)}+{Path.Combine(scratch, $"{driver}-run")}]localhost/benchmark:latest";
        return new Contender(
            $"skopeo copy + buildah from + mount ({driver})",
            () => DropStorageAsync(driver),
            [
                ["skopeo", "--policy", policy, "copy", "--quiet", $"oci:{layout}:latest", target],
                ["buildah", .. storage, "from", "--signature-policy", policy, "--pull-never", "--name", "benchmark", "localhost/benchmark:latest"],
                ["buildah", .. storage, "mount", "benchmark"],
            ]);
    }

    private async Task DropStorageAsync(string driver)
    {
        var root = Path.Combine(scratch, driver);
        if (Directory.Exists(root))
        {
            string[] storage = ["--storage-driver", driver, "--root", root, "--runroot", $"{root}-run"];
            await RequireAsync(["buildah", .. storage, "umount", "--all"]).ConfigureAwait(false);
        }

        // The driver's own bind mount, where it makes one.
        _ = await ProgramRunner.RunAsync(new ProgramRequest("umount", [root, $"{root}/{driver}"]) { Env = env }, CancellationToken.None).ConfigureAwait(false);
        await RemoveAsync(driver).ConfigureAwait(false);
        await RemoveAsync($"{driver}-run").ConfigureAwait(false);
    }

    /// <summary>Removes both images, and with them the layers that the layer store keeps of them.</summary>
    private async Task ForgetAsync()
    {
        await RemoveImageAsync(Changed).ConfigureAwait(false);
        await RemoveImageAsync(Name).ConfigureAwait(false);
    }

    private async Task RemoveImageAsync(string name)
    {
        // It may not be there.
        _ = await ProgramRunner.RunAsync(new ProgramRequest(contingious, ["image", "rm", name]) { Env = env }, CancellationToken.None).ConfigureAwait(false);
    }

    private Task<ProgramResult> RemoveAsync(string directory) => RequireAsync(["rm", "-rf", Path.Combine(scratch, directory)]);

    private Task<ProgramResult> RequireAsync(string[] command) => ProgramRunner.RequireAsync(new ProgramRequest(command[0], command[1..]) { Env = env }, CancellationToken.None);

    private async Task WriteAsync(TextWriter report, IEnumerable<Contender> contenders, Contender first, int rounds)
    {
        var blobs = new DirectoryInfo(Path.Combine(layout, "blobs", "sha256")).EnumerateFiles().Sum(file => file.Length);
        await report.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Layout: {blobs >> 20} MiB packed. {rounds} rounds, in turns; ratio: our first import against it, medians.\n")).ConfigureAwait(false);
        await report.WriteLineAsync("| | fastest s | median s | slowest s | peak RSS MiB | ratio |\n| --- | ---: | ---: | ---: | ---: | ---: |").ConfigureAwait(false);
        foreach (var contender in contenders)
        {
            var ratio = first.Median / contender.Median;
            await report.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"| {contender.Name} | {contender.Fastest.TotalSeconds:0.00} | {contender.Median.TotalSeconds:0.00} | {contender.Slowest.TotalSeconds:0.00} | {contender.PeakResident >> 20} | {ratio:0.00} |")).ConfigureAwait(false);
        }
    }
}
