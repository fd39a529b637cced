using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Leftovers;

/// <summary>A sandbox of a process that lives, namely this one.</summary>
internal sealed class Neighbour : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task<RunReport> job;

    private Neighbour(Task<RunReport> job, CancellationTokenSource stop) => (this.job, this.stop) = (job, stop);

    public static async Task<Neighbour> StartAsync(EngineFixture fixture)
    {
        var engine = await fixture.EngineAsync();
        var step = new StepRequest { Name = "stays", Args = ["sleep", "1000"], Limits = Limits.Default with { WallTime = TimeSpan.FromMinutes(10) } };
        var request = new RunRequest { Id = fixture.NewId(), Image = EngineFixture.ImageName, Steps = [step], Limits = step.Limits };
        var stop = new CancellationTokenSource();
        var job = engine.RunAsync(request, stop.Token);

        // The container's init and the program.
        for (var i = 0; i < 500 && !SandboxProcesses.Alive().Exists(name => name.StartsWith("sleep ", StringComparison.Ordinal)); i++) await Task.Delay(10);
        return new Neighbour(job, stop);
    }

    /// <summary>Stops it.</summary>
    /// <returns>What became of it until then.</returns>
    public async Task<Outcome> EndAsync()
    {
        await stop.CancelAsync();
        return (await job).Outcome;
    }

    public async ValueTask DisposeAsync()
    {
        await EndAsync();
        stop.Dispose();
    }
}
