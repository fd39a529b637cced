using System.Text;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Splitting.Learning;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>Learn mode, on real programs: what they write becomes rules, and an image that does not keep them is not imported.</summary>
[Trait("Needs", "keeper")]
public sealed class LearnTests(EngineFixture fixture)
{
    private const string Busybox = "/bin/busybox";

    [Fact]
    public async Task What_a_program_writes_becomes_the_fewest_rules()
    {
        using var scene = await SceneAsync();
        var (learned, image) = await scene.LearnAsync("""
            mkdir -p /var/lib/x/deep && echo data >/var/lib/x/deep/f && echo data >/var/lib/x/g
            echo more >>/conf/app/foo.conf
            mkdir /usr/lib/py/__pycache__ && echo compiled >/usr/lib/py/__pycache__/a.pyc
            rm /usr/share/old/doc
            cat /conf/app/foo.conf
            """);
        Assert.Equal(["editable /var/lib", "editable /conf/app/foo.conf", "editable /usr/lib/py", "editable /usr/share/old"], learned.Learned.Select(rule => rule.ToString()));
        Assert.Empty(learned.Unsteady);
        Assert.Contains("/usr/lib/other", image.ReadOnlyMounts);
        Assert.Equal(image.Digest, Assert.Single(scene.Store.List(), stored => stored.Names.Count > 0 && stored.Names[0].Name == scene.Name).Digest);
        Assert.Equal($"oci:{scene.Layout}", image.Source);
        scene.AssertNothingIsLeft();
    }

    [Fact]
    public async Task Of_a_large_directory_only_its_own_files_are_copied()
    {
        using var scene = await SceneAsync();
        var (learned, image) = await scene.LearnAsync("echo x >/big/new");
        Assert.Equal(["editable /big", "readonly /big/*/"], learned.Learned.Select(rule => rule.ToString()));
        Assert.Contains("/big/heavy", image.ReadOnlyMounts);
        Assert.InRange(image.EditableBytes, 0, 1 << 20);
    }

    [Fact]
    public async Task What_was_said_to_be_read_only_stays_so_beside_what_is_learned()
    {
        using var scene = await SceneAsync();
        var (learned, image) = await scene.LearnAsync("echo x >/usr/lib/new", split: ["readonly /usr/lib/other", "readonly /**/py"]);
        Assert.Equal(["editable /usr/lib"], learned.Learned.Select(rule => rule.ToString()));
        Assert.Equal(["/usr/lib/other", "/usr/lib/py"], image.ReadOnlyMounts.Where(mount => mount.StartsWith("/usr/lib/", StringComparison.Ordinal)));
        Assert.DoesNotContain("/usr/lib", image.ReadOnlyMounts);
    }

    [Fact]
    public async Task What_is_writable_already_needs_no_rule()
    {
        using var scene = await SceneAsync();
        var (learned, _) = await scene.LearnAsync("echo x >here; mkdir /home/d; echo y >/tmp/z; echo z >/io/a; touch /home/own; rm /home/own; mkdir /new-in-the-root");
        Assert.Empty(learned.Learned);
        Assert.Contains("editable /home", learned.Rules.Select(rule => rule.ToString()));
        Assert.DoesNotContain("editable /media", learned.Rules.Select(rule => rule.ToString()));
    }

    [Fact]
    public async Task A_file_that_is_only_opened_for_writing_counts_and_one_that_is_only_read_does_not()
    {
        using var scene = await SceneAsync();
        var (learned, _) = await scene.LearnAsync("cat /conf/app/read.conf >/dev/null; : >>/conf/app/foo.conf; cat /usr/lib/py/a.py >/dev/null");
        Assert.Equal(["editable /conf/app/foo.conf"], learned.Learned.Select(rule => rule.ToString()));
    }

    [Fact]
    public async Task A_program_that_does_something_else_on_the_split_is_not_imported_and_the_difference_is_named()
    {
        using var scene = await SceneAsync();
        var error = await Assert.ThrowsAsync<SplitDiffersException>(() => scene.LearnAsync("""
            if grep -q '^overlay / ' /proc/mounts; then echo fine; else echo x >/conf/app/blocked && echo fine; fi
            """));
        var said = string.Join('\n', error.Differences);
        Assert.Contains("how it ended: Ok, exit code 0 on the whole image, NonZeroExit, exit code 1 on the split", said, StringComparison.Ordinal);
        Assert.Contains("standard output, line 1: 'fine' on the whole image", said, StringComparison.Ordinal);
        Assert.Contains("EROFS at /conf/app/blocked", said, StringComparison.Ordinal);
        Assert.DoesNotContain(scene.Store.List(), image => image.Names.Any(name => name.Name == scene.Name));
        scene.AssertNothingIsLeft();
    }

    [Fact]
    public async Task A_file_that_is_missing_or_other_on_the_split_is_named()
    {
        using var scene = await SceneAsync();
        var error = await Assert.ThrowsAsync<SplitDiffersException>(() => scene.LearnAsync("""
            grep -q '^overlay / ' /proc/mounts && echo x >/home/whole || echo x >/home/split
            grep '^overlay / ' /proc/mounts | wc -l >/home/count
            exit 0
            """));
        Assert.Equal(["/home/count", "/home/split", "/home/whole"], error.Differences.Select(difference => difference.Split(':')[0]));
    }

    [Fact]
    public async Task What_differs_from_run_to_run_is_not_compared_and_that_is_said()
    {
        using var scene = await SceneAsync();
        var (learned, _) = await scene.LearnAsync("cat /proc/sys/kernel/random/uuid; cat /proc/sys/kernel/random/uuid >/home/id; mktemp -d /home/XXXXXX >/dev/null; echo same >/home/same");
        Assert.Equal(2, learned.Unsteady.Count);
        Assert.Equal("standard output", learned.Unsteady[0]);
        Assert.StartsWith("3 of the paths", learned.Unsteady[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_does_not_run_to_its_end_teaches_nothing()
    {
        using var scene = await SceneAsync();
        var error = await Assert.ThrowsAsync<ContingiousException>(() => scene.LearnAsync("while :; do :; done", limits: Limits.Default with { CpuTime = TimeSpan.FromMilliseconds(200) }));
        Assert.Contains("CpuTimeLimit", error.Message, StringComparison.Ordinal);
        scene.AssertNothingIsLeft();
    }

    [Fact]
    public async Task Input_files_are_there_and_are_no_writing_of_the_program_s()
    {
        using var scene = await SceneAsync();
        var (learned, _) = await scene.LearnAsync("cat /conf/app/given && echo x >>/conf/app/foo.conf", new InputFile("/conf/app/given", "text"u8.ToArray()));
        Assert.Equal(["editable /conf/app/foo.conf"], learned.Learned.Select(rule => rule.ToString()));
    }

    [Fact]
    public async Task Rules_that_were_given_stay_and_come_first()
    {
        using var scene = await SceneAsync();
        var (learned, _) = await scene.LearnAsync("echo more >>/conf/app/foo.conf", split: ["editable /var", "readonly /var/lib"]);
        Assert.Equal(["editable /work", "editable /var", "readonly /var/lib", "editable /conf/app/foo.conf"], learned.Rules.Select(rule => rule.ToString()));
    }

    [Fact]
    public async Task The_command_line_learns_prints_the_rules_and_what_a_copy_costs()
    {
        using var scene = await SceneAsync();
        var input = Path.Combine(scene.Layout, "script");
        await File.WriteAllTextAsync(input, "echo more >>/conf/app/foo.conf", TestContext.Current.CancellationToken);
        var result = await Cli.RunAsync("import", $"oci:{scene.Layout}", "--name", scene.Name, "--user", "1000:1000", "--json", "--learn", "--input", $"{input}:script", "--", "sh", "script");
        Assert.True(result.ExitCode == 0, result.Stderr);
        using var json = System.Text.Json.JsonDocument.Parse(result.Stdout);
        Assert.Contains("editable /conf/app/foo.conf", json.RootElement.GetProperty("split").EnumerateArray().Select(rule => rule.GetString()));
        Assert.InRange(json.RootElement.GetProperty("clone_us").GetInt64(), 1, 60_000_000);
        Assert.Contains(scene.Store.List(), image => image.Names.Any(name => name.Name == scene.Name));
        scene.AssertNothingIsLeft();
    }

    [Fact]
    public async Task The_command_line_fails_where_the_split_differs_and_leaves_no_name()
    {
        using var scene = await SceneAsync();
        var result = await Cli.RunAsync("import", $"oci:{scene.Layout}", "--name", scene.Name, "--learn", "--", "sh", "-c", "grep '^overlay / ' /proc/mounts | wc -l");
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("standard output, line 1: '1' on the whole image, '0' on the split", result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain(scene.Store.List(), image => image.Names.Any(name => name.Name == scene.Name));
        scene.AssertNothingIsLeft();
    }

    private async Task<Scene> SceneAsync()
    {
        _ = await fixture.EngineAsync();
        Prerequisite.Require(File.Exists(Busybox), $"{Busybox} (apt-get install busybox-static)");
        return new Scene(fixture);
    }

    private sealed class Scene : IDisposable
    {
        private readonly EngineFixture fixture;
        private readonly ScratchDirectory scratch = new();

        public Scene(EngineFixture fixture)
        {
            this.fixture = fixture;
            Directory.CreateDirectory(Layout);
            var programs = new TarBuilder().Directory("bin").Entry('0', TarBuilder.Bytes("bin/busybox"), File.ReadAllBytes(Busybox), mode: 0x1ED);
            foreach (var applet in new[] { "cat", "echo", "grep", "mkdir", "mktemp", "rm", "sh", "touch", "wc" }) programs.Symlink($"bin/{applet}", "busybox");
            const uint all = 0x1FF;
            const uint file = 0x1B6;
            programs.Directory("var", all).Directory("var/lib", all).Directory("conf").Directory("conf/app", all).File("conf/app/foo.conf", "foo\n", file).File("conf/app/read.conf", "read\n", file)
                .Directory("usr").Directory("usr/lib", all).Directory("usr/lib/py", all).File("usr/lib/py/a.py", "a").Directory("usr/lib/other").File("usr/lib/other/f")
                .Directory("usr/share", all).Directory("usr/share/old", all).File("usr/share/old/doc", "doc", file).Directory("home", all)
                .Directory("big", all).File("big/own", "own").Directory("big/heavy").File("big/heavy/data", new string('x', 3 << 20)).File("name", Name);
            new LayoutBuilder(Layout) { Config = """{"User":"0:0"}""" }.Layer(programs.Build()).Build();
        }

        public string Name { get; } = $"learn-{Guid.NewGuid():N}";

        public string Layout => scratch["layout"];

        public ImageStore Store => new(fixture.Layout.ImagesDirectory);

        public Task<(LearnedSplit Learned, Image Image)> LearnAsync(string script, InputFile? input = null, IReadOnlyList<string>? split = null, Limits? limits = null)
        {
            var request = new ImportRequest { Name = ImageReference.Parse(Name), Source = $"oci:{Layout}", Split = split, Overrides = new ConfigOverrides { User = "1000:1000" } };
            var sample = new SampleCommand { Args = ["sh", "-c", script], Files = input is null ? [] : [input], Limits = limits ?? Limits.Default };
            var importer = new ImageImporter(Store, fixture.Layout.StagingDirectory);
            return new SplitLearner(fixture.Layout, TimeProvider.System).LearnAsync(
                request, sample, null, ready => importer.ImportAsync(ready, null, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        }

        public void AssertNothingIsLeft()
        {
            Assert.Empty(Directory.EnumerateFileSystemEntries($"{fixture.Layout.ImagesDirectory}/.learning"));
            Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(fixture.Layout.SandboxesDirectory), path => Path.GetFileName(path).StartsWith("ctg-learn-", StringComparison.Ordinal));
        }

        public void Dispose()
        {
            foreach (var image in Store.List().Where(image => image.Names.Any(name => name.Name == Name)))
            {
                Store.Remove(image.Id.ToString());
            }

            scratch.Dispose();
        }
    }
}
