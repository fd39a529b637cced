using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class SweepTests(EngineFixture fixture)
{
    [Fact]
    public async Task R8_What_a_killed_owner_leaves_is_swept_by_the_next_engine()
    {
        var engine = await fixture.EngineAsync();
        await fixture.SweepAsync();
        var before = HostFootprint.Take(fixture.Layout);
        using var owner = Cli.Start("run", EngineFixture.ImageName, "--", "sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000");
        var sandbox = await AppearanceAsync(engine);
        Assert.NotNull(sandbox.Pid);
        owner.Kill();
        await owner.WaitForExitAsync();
        Assert.NotEqual(before, HostFootprint.Take(fixture.Layout));

        await fixture.SweepAsync();
        Assert.Equal(before, HostFootprint.Take(fixture.Layout));
        Assert.Null(ProcessIdentity.Of(sandbox.Pid.Value));
    }

    [Fact]
    public async Task A_sandbox_that_somebody_owns_is_not_swept()
    {
        var engine = await fixture.EngineAsync();
        using var owner = Cli.Start("run", EngineFixture.ImageName, "--", "sleep", "2");
        await AppearanceAsync(engine);
        await fixture.SweepAsync();
        await owner.WaitForExitAsync();
        Assert.Equal(0, owner.ExitCode);
    }

    [Fact]
    public async Task R8_A_half_made_copy_of_an_image_is_swept_unless_its_slice_is_in_use()
    {
        await fixture.EngineAsync();
        var image = new ImageStore(fixture.Layout.ImagesDirectory).List()[0];
        var copy = $"{Path.GetDirectoryName(image.EditableDirectory)}/shifted/.77-77.new";
        Directory.CreateDirectory(Path.GetDirectoryName(copy)!, (UnixFileMode)0x1C0 /* 0700, as the engine makes it */);
        Directory.CreateDirectory($"{copy}/usr");
        using (FileLock.TryClaim($"{fixture.Layout.SlicesDirectory}/77"))
        {
            await fixture.SweepAsync();
            Assert.True(Directory.Exists(copy));
        }

        await fixture.SweepAsync();
        Assert.False(Directory.Exists(copy));
        File.Delete($"{fixture.Layout.SlicesDirectory}/77");
    }

    [Fact]
    public async Task Exec_joins_a_live_sandbox_with_the_step_s_own_privileges()
    {
        var engine = await fixture.EngineAsync();
        using var owner = Cli.Start("run", EngineFixture.ImageName, "--", "sh", "-c", "echo mark >/work/here; sleep 1000");
        var sandbox = await AppearanceAsync(engine);
        for (var i = 0; i < 200 && !(await Cli.RunAsync("exec", sandbox.Name, "--", "cat", "/work/here")).Stdout.Contains("mark", StringComparison.Ordinal); i++) await Task.Delay(20);
        var status = await Cli.RunAsync("exec", sandbox.Name, "--", "sh", "-c", "id -u; grep -E 'NoNewPrivs|CapEff' /proc/self/status; ps | grep -c '[s]leep 1000'; exit 7");
        Assert.Equal(7, status.ExitCode);
        Assert.StartsWith("1000\n", status.Stdout);
        Assert.Contains("NoNewPrivs:\t1", status.Stdout);
        Assert.Contains("CapEff:\t0000000000000000", status.Stdout);
        owner.Kill();
        await owner.WaitForExitAsync();
        await fixture.SweepAsync();
        var gone = await Cli.RunAsync("exec", sandbox.Name, "--", "true");
        Assert.Equal(125, gone.ExitCode);
        Assert.Contains("contingious ps", gone.Stderr);
    }

    private static async Task<Engine.Model.LiveSandbox> AppearanceAsync(SandboxEngine engine)
    {
        for (var i = 0; i < 500; i++)
        {
            if (engine.List().FirstOrDefault(sandbox => sandbox.Name.StartsWith("ctg-run-", StringComparison.Ordinal) && sandbox.Pid is not null) is { } live) return live;
            await Task.Delay(20);
        }

        throw new TimeoutException("No sandbox of 'contingious run' appeared.");
    }
}
