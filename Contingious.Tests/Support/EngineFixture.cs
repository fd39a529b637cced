using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Recipes;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

[assembly: AssemblyFixture(typeof(EngineFixture))]

namespace Contingious.Tests.Support;

/// <summary>
/// The real engine, on real crun, inside the account's keeper: tests of it carry the trait <c>Needs=keeper</c> and are
/// run by <c>contingious unshare -- …</c>, as eng/test.sh does.
/// </summary>
public sealed class EngineFixture : IAsyncDisposable
{
    public static string ImageName { get; } = TestedEngine.Name(RecipeName);

    private const string RecipeName = "alpine-hello-world";

    /// <summary>The same content by another name and digest: an image of its own, for whoever asked for it (<see cref="ImportOtherImageAsync"/>).</summary>
    public static string OtherImage { get; } = TestedEngine.Name("sandbox-tests-other");

    private readonly SemaphoreSlim once = new(1);
    private SandboxEngine? engine;
    private int next;

    public HostLayout Layout { get; private set; } = new(new HostAccount("", 0, 0, ""));

    public async Task<SandboxEngine> EngineAsync()
    {
        await once.WaitAsync();
        try
        {
            if (engine is not null) return engine;
            var entry = await AccountEntry.FindAsync(TestContext.Current.CancellationToken);
            Prerequisite.Require(entry.IsInKeeper, "the keeper's namespace: run these tests with 'contingious unshare -- …', as eng/test.sh does");
            Layout = entry.Layout;
            await ImportAsync(ImageName);
            return engine = await OpenAsync();
        }
        finally
        {
            once.Release();
        }
    }

    /// <summary>Gives back what killed processes left, as the next agent's engine does when it opens.</summary>
    public async Task SweepAsync()
    {
        _ = await EngineAsync();

        // A runner whose agent has ended gives up what it had parked.
        for (var left = 500; left > 0 && Directory.EnumerateFiles(Layout.LocksDirectory).Select(path => Path.GetFileName(path)).Any(name => SandboxId.IsParked(name) && IsHeld(name)); left--) await Task.Delay(20);
        _ = await OpenAsync();
    }

    private bool IsHeld(string name)
    {
        try
        {
            using var free = FileLock.TryExclusive($"{Layout.LocksDirectory}/{name}");
            return free is null;
        }
        catch (LinuxException)
        {
            return false;
        }
    }

    public async Task ImportOtherImageAsync()
    {
        _ = await EngineAsync();
        await once.WaitAsync();
        try
        {
            await ImportAsync(OtherImage);
        }
        finally
        {
            once.Release();
        }
    }

    /// <summary>Runs one command in a sandbox of its own.</summary>
    public async Task<RunReport> RunAsync(IReadOnlyList<string> args, Func<StepRequest, StepRequest>? step = null, Func<RunRequest, RunRequest>? job = null)
    {
        var one = new StepRequest { Name = "step", Args = args };
        one = step?.Invoke(one) ?? one;
        var request = new RunRequest { Id = NewId(), Image = ImageName, Steps = [one], Limits = one.Limits };
        return await (await EngineAsync()).RunAsync(job?.Invoke(request) ?? request, TestContext.Current.CancellationToken);
    }

    /// <summary>Runs one line of shell in a sandbox of its own.</summary>
    public Task<RunReport> ShellAsync(string script, Limits? limits = null) =>
        RunAsync(["sh", "-c", script], step => step with { Limits = limits ?? Limits.Default });

    public SandboxId NewId() => SandboxId.For($"test-{Environment.ProcessId}-{Interlocked.Increment(ref next)}", 1);

    public ValueTask DisposeAsync()
    {
        once.Dispose();
        return ValueTask.CompletedTask;
    }

    private Task<SandboxEngine> OpenAsync() => SandboxEngine.OpenAsync(Layout, TestedEngine.Options, TimeProvider.System, NullLogger.Instance);

    private async Task ImportAsync(string name)
    {
        var store = new ImageStore(Layout.ImagesDirectory);
        if (store.List().Any(image => image.Names.Any(reference => reference.Name == name))) return;
        var request = new RecipeBook([$"{Repository.Root}/images"]).Find(RecipeName) with { Name = ImageReference.Parse(name), CloneEngine = TestedEngine.Clones };
        await new ImageImporter(store, Layout.StagingDirectory).ImportAsync(request, progress: null, TestContext.Current.CancellationToken);
    }
}
