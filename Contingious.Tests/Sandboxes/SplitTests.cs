using Contingious.Engine.Model;
using Contingious.Tests.Hostile;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>Images that are cut in two, as programs in a container see them: as one.</summary>
[Trait("Needs", "keeper")]
public sealed class SplitTests(EngineFixture fixture)
{
    [Fact]
    public async Task Links_across_the_cut_lead_where_the_image_says_and_real_paths_are_the_image_s()
    {
        using var image = await HostileImage.ImportAsync(
            fixture,
            new TarBuilder().Directory("usr").Directory("usr/lib").File("usr/lib/shared", "from the read-only part").Directory("home").File("home/own", "from the editable part").Directory("usr/share").Directory("opt")
                .Symlink("lib", "usr/lib").Symlink("home/absolute", "/usr/lib/shared").Symlink("home/relative", "../usr/lib/shared").Symlink("home/chain", "../lib/../../home/relative").Symlink("home/directory", "/lib")
                .Symlink("usr/lib/back", "/home/own").Symlink("usr/lib/back-relative", "../../home/own").Symlink("usr/share/up", "../../lib/shared").Symlink("opt/dangling", "/nowhere"),
            ["/home"]);
        var report = await image.ShellAsync("""
            for path in /home/absolute /home/relative /home/chain /home/directory/shared /usr/lib/back /lib/back-relative /usr/share/up; do
                echo "$path $(/bin/busybox realpath $path) $(cat $path)"
            done
            /bin/busybox realpath /lib/shared
            cat /opt/dangling 2>/dev/null || echo dangling
            """);
        Assert.Equal(
            """
            /home/absolute /usr/lib/shared from the read-only part
            /home/relative /usr/lib/shared from the read-only part
            /home/chain /usr/lib/shared from the read-only part
            /home/directory/shared /usr/lib/shared from the read-only part
            /usr/lib/back /home/own from the editable part
            /lib/back-relative /home/own from the editable part
            /usr/share/up /usr/lib/shared from the read-only part
            /usr/lib/shared
            dangling

            """,
            report.RequireOk());
        if (TestedEngine.IsSplit) Assert.Equal(["/bin", "/etc", "/opt", "/usr"], image.Image.ReadOnlyMounts);
    }

    [Fact]
    public async Task A_usr_merged_image_runs_its_programs_by_their_old_paths()
    {
        using var image = await HostileImage.ImportAsync(
            fixture, new TarBuilder().Directory("usr").Directory("usr/bin").Symlink("usr/bin/say", "/bin/busybox").Symlink("sbin", "usr/bin"), ["/home"]);
        Assert.Equal("/bin/busybox\n", (await image.ShellAsync("/bin/busybox realpath /sbin/say")).RequireOk());
    }

    [Fact]
    public async Task A_read_only_file_among_editable_ones_is_read_and_not_written_and_its_neighbours_are()
    {
        using var image = await HostileImage.ImportAsync(
            fixture,
            new TarBuilder().Directory("work", mode: 0x1FF).File("work/data.db", "given", mode: 0x1B6).File("work/own", "mine", mode: 0x1B6).Symlink("work/link", "data.db").Directory("work/d", mode: 0x1FF).File("work/d/deep.db", "deep", mode: 0x1B6),
            split: ["editable /work", "readonly /work/**/*.db"]);
        var report = await image.ShellAsync(
            """
            cat data.db link d/deep.db; echo
            (echo x >data.db) 2>&1 | /bin/busybox sed 's/.*: //'
            (echo x >link) 2>&1 | /bin/busybox sed 's/.*: //'
            /bin/busybox rm -f data.db 2>/dev/null || echo kept
            /bin/busybox mv own data.db 2>/dev/null || echo kept
            echo more >>own; echo new >d/new; cat own d/new
            """,
            job: request => request with { Outputs = ["*", "d/*"] });
        if (!TestedEngine.IsSplit) return;
        Assert.Equal("givengivendeep\nRead-only file system\nRead-only file system\nkept\nkept\nminemore\nnew\n", report.RequireOk());

        // What is read-only is not returned, least of all as an empty file.
        Assert.Equal(["/work/d/new", "/work/own"], report.Outputs.Where(output => output.Status == OutputStatus.Returned).Select(output => output.Path).Order());
    }

    [Fact]
    public async Task V1_The_place_of_a_read_only_file_that_a_step_moved_away_is_refused_to_the_next()
    {
        if (!TestedEngine.IsSplit) return;
        using var image = await HostileImage.ImportAsync(
            fixture, new TarBuilder().Directory("work", mode: 0x1FF).Directory("work/d", mode: 0x1FF).File("work/d/data", "given"), split: ["editable /work", "readonly /work/d/data"]);
        var report = await image.ShellAsync(
            "/bin/busybox mv d e && /bin/busybox mkdir d && /bin/busybox ln -s /etc/passwd d/data; true",
            request => request with { Image = image.Image.Id.ToString(), Root = true, Steps = [.. request.Steps, new StepRequest { Name = "next", Args = ["cat", "/work/d/data"] }] });
        Assert.Equal(Outcome.NonZeroExit, report.Outcome);
        Assert.Contains("/work/d/data is not a regular file", report.Steps[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_files_cannot_be_put_over_a_read_only_file()
    {
        if (!TestedEngine.IsSplit) return;
        using var image = await HostileImage.ImportAsync(fixture, new TarBuilder().Directory("work").File("work/data", "given"), split: ["readonly /work/data"]);
        var report = await image.ShellAsync("cat data", request => request with { Files = [new InputFile("data", new byte[] { 1 })] });
        Assert.Equal((Outcome.RejectedSpec, "files[0].path"), (report.Outcome, report.Field));
    }

    [Fact]
    public async Task An_image_cut_into_files_can_be_had_whole_by_the_overlay_engine()
    {
        using var image = await HostileImage.ImportAsync(fixture, new TarBuilder().Directory("work").File("work/data", "given"), split: ["readonly /work/data"]);
        Assert.Equal("given", (await image.ShellAsync("cat data")).RequireOk());
    }
}
