using System.Diagnostics;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>Imports by the command line that are killed with SIGKILL, over a name that is imported already.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class ImportKillTests(EngineFixture fixture)
{
    private static readonly Random random = new(Environment.ProcessId);

    /// <summary>What the import says when it begins something.</summary>
    [Theory]
    [InlineData("unpacking")]
    [InlineData("splitting")]
    [InlineData("listing")]
    [InlineData("publishing")]
    public async Task B15_an_import_killed_in_a_stage_leaves_a_store_that_is_whole(string stage)
    {
        await KillAsync(Soak.IsAsked ? 20 : 2, async (process, _) =>
        {
            while (await process.StandardError.ReadLineAsync() is { } line && !line.StartsWith(stage, StringComparison.Ordinal)) continue;
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 100));
        });
    }

    [Fact]
    public Task B15_an_import_killed_at_any_moment_leaves_a_store_that_is_whole() =>
        KillAsync(Soak.IsAsked ? 100 : 6, (_, whole) => Task.Delay(whole * random.NextDouble()));

    [Fact]
    public async Task B15_what_a_tool_of_a_killed_import_unpacked_is_removed_whoever_owns_it()
    {
        await fixture.EngineAsync();
        using var layout = new BusyboxLayout();
        var dead = $"{fixture.Layout.StagingDirectory}/import-dead";
        Directory.CreateDirectory($"{dead}/storage/vfs/dir/layer/home");
        using (var directory = DirectoryHandle.Open($"{dead}/storage/vfs/dir/layer"))
        {
            // As buildah leaves them: another owner's, and closed to everybody else.
            directory.SetOwner("home"u8, 1000, 1000);
            directory.SetOwner(65_534, 65_534);
            directory.SetMode(0);
        }

        var store = new ImageStore(fixture.Layout.ImagesDirectory);
        await new ImageImporter(store, fixture.Layout.StagingDirectory).ImportAsync(layout.Request(layout.Write("one")), null, TestContext.Current.CancellationToken);
        Assert.False(Directory.Exists(dead));
        layout.RemoveFrom(store);
    }

    /// <summary>Kills so many imports, each when it is time, and looks at the store after every one.</summary>
    private async Task KillAsync(int times, Func<Process, TimeSpan, Task> time)
    {
        await fixture.EngineAsync();
        using var layout = new BusyboxLayout();
        var store = new ImageStore(fixture.Layout.ImagesDirectory);
        var importer = new ImageImporter(store, fixture.Layout.StagingDirectory);
        var old = await importer.ImportAsync(layout.Request(layout.Write("old")), null, TestContext.Current.CancellationToken);
        try
        {
            var source = layout.Write("new", files: 1000);
            var begun = Stopwatch.GetTimestamp();
            Assert.Equal("", ErrorOf(await Cli.RunAsync("import", source, "--name", $"{layout.Name}-timed", "--editable", "/work")));
            var whole = Stopwatch.GetElapsedTime(begun);
            store.Remove($"{layout.Name}-timed");
            for (var i = 0; i < times; i++)
            {
                using (var process = Cli.Start("import", source, "--name", layout.Name.ToString(), "--editable", "/work"))
                {
                    await time(process, whole);
                    process.Kill();
                    await process.WaitForExitAsync();
                }

                await AssertWholeAsync(store, layout.Name, old);

                // And whoever imports next clears away.
                await importer.ImportAsync(layout.Request($"oci:{layout.Scratch["old"]}"), null, TestContext.Current.CancellationToken);
                Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Layout.StagingDirectory));
                Assert.Empty(Directory.EnumerateFiles($"{fixture.Layout.ImagesDirectory}/names", ".*"));
                store.Prune();
            }
        }
        finally
        {
            layout.RemoveFrom(store);

            // An import that is killed while it times a clone leaves that one's sandbox, which is a sweep's.
            await fixture.SweepAsync();
        }
    }

    /// <summary>Before anybody clears away: everything there is whole, and the name means one of the two.</summary>
    private static async Task AssertWholeAsync(ImageStore store, ImageReference name, Image old)
    {
        Assert.Equal([], store.Entries().Where(entry => entry.Fault is not (StoreFault.None or StoreFault.Outdated)).Select(entry => entry.Why));
        var named = store.Find(name.ToString()).Image!;
        Assert.Equal(named.Id == old.Id ? "old" : "new", File.ReadAllText(Path.Combine(named.EditableDirectory, "work/version")));
        foreach (var image in store.List().Where(image => image.Id == old.Id || image.Names.Count == 0 || image.Id == named.Id)) Assert.Equal([], (await ImageVerification.OfAsync(image, TestContext.Current.CancellationToken)).Differences);
    }

    private static string ErrorOf(CliResult result) => result.ExitCode == 0 ? "" : result.Stderr;
}
