using System.Formats.Tar;
using System.Text;
using Contingious.Agent.Queue;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Support;
using Contingious.Tests.Wire;

namespace Contingious.Tests.Integration;

/// <summary>What is wrong is answered with its field and its reason, by the real agent, which goes on.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class BadInputTests(EngineFixture engine, PrivateBroker broker) : IClassFixture<PrivateBroker>, IAsyncLifetime
{
    private AgentProcess? agent;
    private JobSubmitter? sender;
    private int next;

    private JobSubmitter Sender => sender ?? throw new InvalidOperationException("There is no sender yet.");

    public async ValueTask InitializeAsync()
    {
        await engine.EngineAsync();
        var options = broker.NewOptions();
        agent = await AgentProcess.StartAsync(options, slots: 2);
        sender = await JobSubmitter.ConnectAsync(options, TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (sender is not null) await sender.DisposeAsync();
        if (agent is not null) await agent.DisposeAsync();
    }

    [Fact]
    public async Task Every_kind_of_bad_input_is_answered_and_the_agent_goes_on()
    {
        var unknown = await SendAsync(job => job with { Image = "no-such-image" });
        Assert.Equal((Outcome.ImageUnavailable, "image"), (unknown.Outcome, unknown.Field));
        Assert.Contains("contingious import no-such-image", unknown.Message);

        var missing = await SendAsync(job => job, "no-such-command");
        Assert.Equal((Outcome.NonZeroExit, 127, "steps[0].args[0]"), (missing.Outcome, missing.Steps[0].ExitCode, missing.Field));

        var notAProgram = await SendAsync(job => job, "/etc/passwd");
        Assert.Equal((Outcome.NonZeroExit, 126, "steps[0].args[0]"), (notAProgram.Outcome, notAProgram.Steps[0].ExitCode, notAProgram.Field));

        var noUser = await SendAsync(job => job with { Steps = [job.Steps[0] with { User = "nobody-here" }] });
        Assert.Equal((Outcome.RejectedSpec, "steps[0].user"), (noUser.Outcome, noUser.Field));

        var garbage = await SendAsync([0xc1, 0xff, 0x00]);
        Assert.Equal((Outcome.RejectedSpec, Blame.Teacher), (garbage.Outcome, garbage.Outcome.Blame()));
        Assert.NotEmpty(garbage.Message);

        var noImage = await SendAsync(Pack.Map(("v", 1), ("job_id", "no-image"), ("steps", new[] { Pack.M(("args", new[] { "true" })) })));
        Assert.Equal((Outcome.RejectedSpec, "image"), (noImage.Outcome, noImage.Field));

        var outside = await SendAsync(Pack.Map(
            ("v", 1), ("job_id", "outside"), ("image", EngineFixture.ImageName), ("steps", new[] { Pack.M(("args", new[] { "true" })) }),
            ("archives", new[] { Pack.M(("content", TarOf("../../outside"))) })));
        Assert.Equal(Outcome.RejectedSpec, outside.Outcome);
        Assert.StartsWith("archives[0]", outside.Field);
        Assert.Contains("../../outside", outside.Message);

        var fine = await SendAsync(job => job, "echo", "still here");
        Assert.Equal((Outcome.Ok, "still here\n"), (fine.Outcome, Encoding.UTF8.GetString(fine.Steps[0].Stdout.Span)));
    }

    [Fact]
    public async Task An_archive_is_unpacked_before_the_first_step()
    {
        var report = await SendAsync(Pack.Map(
            ("v", 1), ("job_id", "archive"), ("image", EngineFixture.ImageName), ("steps", new[] { Pack.M(("args", new[] { "cat", "sub/file" })) }),
            ("archives", new[] { Pack.M(("content", TarOf("sub/file"))) })));
        Assert.Equal((Outcome.Ok, "content"), (report.Outcome, Encoding.UTF8.GetString(report.Steps[0].Stdout.Span)));
    }

    private async Task<RunReport> SendAsync(Func<RunRequest, RunRequest> change, params string[] args)
    {
        var id = $"bad-{++next}";
        var request = new RunRequest { Id = SandboxId.For(id, 1), Image = EngineFixture.ImageName, Steps = [new StepRequest { Name = "step", Args = args.Length > 0 ? args : ["true"] }] };
        return (await Sender.SubmitAsync(new Job(id, 1, change(request)), TestContext.Current.CancellationToken)).Report;
    }

    private async Task<RunReport> SendAsync(byte[] message) => (await Sender.SubmitAsync(message, TestContext.Current.CancellationToken)).Report;

    private static byte[] TarOf(string name)
    {
        using var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, TarEntryFormat.Ustar, leaveOpen: true))
        {
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream("content"u8.ToArray()) });
        }

        return bytes.ToArray();
    }
}
