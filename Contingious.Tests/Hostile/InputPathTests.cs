using System.Text;
using Contingious.Engine.Model;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>Where a job's files go, whatever the job, the image or an earlier step says.</summary>
[Trait("Needs", "keeper")]
public sealed class InputPathTests(EngineFixture fixture)
{
    [Theory]
    [InlineData("../../../../../../../..{0}/x")]
    [InlineData("a/../../../../../../../../..{0}/x")]
    [InlineData("{0}/../x")]
    [InlineData("{0}\0/x")]
    public async Task A1_A_path_that_leaves_the_clone_writes_nothing_on_the_host(string path)
    {
        using var sentinel = new Sentinel();
        var report = await fixture.RunAsync(["true"], job: request => request with { Files = [new InputFile(string.Format(null, path, sentinel.Directory), "x"u8.ToArray())] });
        Assert.Equal((Outcome.RejectedSpec, "files[0].path"), (report.Outcome, report.Field));
        sentinel.AssertUntouched();
    }

    [Fact]
    public async Task A1_An_absolute_path_is_the_clone_s_own()
    {
        using var sentinel = new Sentinel();
        var report = await fixture.RunAsync(["cat", $"{sentinel.Directory}/secret"], job: request => request with { Files = [new InputFile($"{sentinel.Directory}/secret", "own"u8.ToArray())] });
        Assert.Equal("own", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
        sentinel.AssertUntouched(report);
    }

    [Fact]
    public async Task A2_A_link_that_the_image_brings_is_not_written_through()
    {
        using var sentinel = new Sentinel();
        using var image = await HostileImage.ImportAsync(
            fixture,
            new TarBuilder().Symlink("task", sentinel.Directory).Directory("work").Symlink("work/up", $"../../../../../..{sentinel.Directory}").Symlink("work/secret", $"{sentinel.Directory}/secret"),
            editable: ["/task", "/work"]);
        foreach (var path in new[] { "/task/main.c", "/work/up/main.c", "up/sub/secret" })
        {
            var report = await image.ShellAsync("true", request => request with { Files = [new InputFile(path, "x"u8.ToArray())] });
            Assert.Equal((Outcome.RejectedSpec, "files[0].path"), (report.Outcome, report.Field));
            Assert.Contains(path.Contains("up", StringComparison.Ordinal) ? "up is a link" : "task is a link", report.Message, StringComparison.Ordinal);
            sentinel.AssertUntouched(report);
        }

        // A link at the very name is replaced, not followed.
        var replaced = await image.ShellAsync("cat secret", request => request with { Files = [new InputFile("secret", "own"u8.ToArray())] });
        Assert.Equal("own", Encoding.UTF8.GetString(replaced.Steps[0].Stdout.Span));
        sentinel.AssertUntouched(replaced);
    }

    [Fact]
    public async Task A2_A_working_directory_that_an_earlier_step_replaced_by_a_link_is_not_written_through()
    {
        using var sentinel = new Sentinel();
        var swap = new StepRequest { Name = "swap", User = "0", WorkingDirectory = "/", Args = ["sh", "-c", $"rm -rf /work; ln -s {sentinel.Directory} /work"] };
        var check = new StepRequest { Name = "check", User = "0", Args = ["true"], WorkingDirectory = "/work", Files = [new InputFile("secret", "x"u8.ToArray())] };
        var report = await fixture.RunAsync([], job: request => request with { Root = true, Steps = [swap, check], Outputs = ["/work/secret"] });
        Assert.NotEqual(Outcome.Ok, report.Outcome);
        Assert.Equal(Blame.Student, report.Outcome.Blame());
        sentinel.AssertUntouched(report);
    }

    [Fact]
    public async Task A13_Files_are_put_in_place_before_a_step_runs_and_never_while_one_does()
    {
        // The files of the second step are not there while the first runs, however long; and what the first leaves in
        // their way is replaced once it is dead.
        var first = new StepRequest { Name = "first", Args = ["sh", "-c", "ls; (while :; do rm -rf late; ln -s /etc late; done) & sleep 0.5; ls early"], Files = [new InputFile("early", "1"u8.ToArray())] };
        var second = new StepRequest { Name = "second", Args = ["sh", "-c", "cat late; sleep 0.2; cat late"], Files = [new InputFile("late", "2"u8.ToArray())] };
        var report = await fixture.RunAsync([], job: request => request with { Steps = [first, second] });
        Assert.Equal("early\nearly\n", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
        Assert.Equal("22", Encoding.UTF8.GetString(report.Steps[1].Stdout.Span));
        var stages = report.Timings.Select(timing => timing.Stage).ToList();
        var copies = stages.Select((stage, i) => (stage, i)).Where(entry => entry.stage == Engine.Stage.CopyIn).Select(entry => entry.i).ToList();
        var launches = stages.Select((stage, i) => (stage, i)).Where(entry => entry.stage == Engine.Stage.Launch).Select(entry => entry.i).ToList();
        Assert.Equal(2, copies.Count);
        Assert.True(copies[0] < launches[0] && stages.IndexOf(Engine.Stage.Stop) < copies[1] && copies[1] < launches[1]);
    }
}
