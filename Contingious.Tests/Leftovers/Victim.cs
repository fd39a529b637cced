using System.Diagnostics;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Importer;
using Contingious.Importer.Recipes;
using Contingious.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Tests.Leftovers;

/// <summary>
/// A process of its own that runs a job of each kind at once, to be killed in the midst of them: the test program, which
/// executes itself again.
/// </summary>
public sealed class Victim
{
    private const string TrapVariable = "CONTINGIOUS_TEST_TRAP";
    private const string OverlayImage = "sandbox-tests-overlay";

    /// <summary>Each way of having a disk, a rootfs and a network.</summary>
    private static readonly (EngineOptions Options, Func<RunRequest, RunRequest> Job)[] kinds =
    [
        (TestedEngine.Options, job => job),
        (TestedEngine.Options with { Pool = new PoolOptions { OnDemand = true } }, job => job),
        (TestedEngine.Options with { Disk = new DiskPolicy { Backend = DiskBackend.Watched } }, job => job),
        (TestedEngine.Options, job => job with { Image = OverlayImage }),
        (TestedEngine.Options with { AllowInternet = true }, job => job with { Network = NetworkMode.Internet }),
    ];

    [Fact(Explicit = true)]
    public async Task Runs_jobs_until_it_is_killed()
    {
        if (Environment.GetEnvironmentVariable(TrapVariable) is not { Length: > 0 } text) return;
        ThreadPool.SetMinThreads(16, 16);
        var trap = Trap.Parse(text);
        var layout = (await AccountEntry.FindAsync(TestContext.Current.CancellationToken)).Layout;
        var engines = new List<SandboxEngine>();
        foreach (var (options, _) in kinds) engines.Add(await SandboxEngine.OpenAsync(layout, options with { Entering = trap.OfJob(kinds.Length) }, TimeProvider.System, NullLogger.Instance));
        var reports = await Task.WhenAll(engines.Zip(kinds, (engine, kind) => Task.Run(() => RunAsync(engine, kind.Job(NewJob()), trap))));
        Assert.All(reports, report => Assert.Equal((Outcome.Ok, ""), (report.Outcome, report.Message)));

        // Everything is over before its time has come.
        await Task.Delay(trap.Delay + TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

    /// <summary>Runs one until it is killed.</summary>
    /// <returns>What it said, where it was not.</returns>
    internal static async Task<string?> DieAsync(Trap trap)
    {
        // Whatever a killed test program leaves of its own.
        var scratch = Directory.CreateTempSubdirectory("ctg-victim-").FullName;
        try
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!, ["--filter-method", $"{typeof(Victim).FullName}.{nameof(Runs_jobs_until_it_is_killed)}", "--explicit", "only", "--results-directory", scratch, "--no-ansi", "--no-progress"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment[TrapVariable] = trap.Text;
            start.Environment["TMPDIR"] = scratch;
            using var process = Process.Start(start)!;
            var (stdout, stderr) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
                return $"It was still there after a minute.\n{await stdout}\n{await stderr}";
            }

            const int killed = 128 + 9;
            return process.ExitCode == killed ? null : $"It exited with {process.ExitCode}.\n{await stdout}\n{await stderr}";
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    /// <summary>Has the images that it uses, and the one that overlays lie over without the copies that they lie over: each victim makes them anew.</summary>
    internal static async Task PrepareAsync(HostLayout layout)
    {
        var store = new ImageStore(layout.ImagesDirectory);
        if (store.List().FirstOrDefault(image => image.Names.Any(name => name.Name == OverlayImage)) is not { } image)
        {
            var request = new RecipeBook([$"{Repository.Root}/images"]).Find(EngineFixture.ImageName) with { Name = ImageReference.Parse(OverlayImage), CloneEngine = CloneEngine.Overlay };
            await new ImageImporter(store, layout.StagingDirectory).ImportAsync(request, progress: null, TestContext.Current.CancellationToken);
            return;
        }

        using var directory = Engine.Linux.DirectoryHandle.Open(Path.GetDirectoryName(image.EditableDirectory)!);
        directory.RemoveTree("shifted"u8);
    }

    private static async Task<RunReport> RunAsync(SandboxEngine engine, RunRequest job, Trap trap)
    {
        try
        {
            return await engine.RunAsync(job, TestContext.Current.CancellationToken);
        }
        finally
        {
            // All are over, or this one did not get there.
            trap.GiveUp();
        }
    }

    private static RunRequest NewJob() => new()
    {
        Id = SandboxId.For($"victim-{Guid.NewGuid():N}"[..16], 1),
        Image = EngineFixture.ImageName,
        Steps =
        [
            new StepRequest { Name = "first", Args = ["sh", "-c", "setsid sleep 1000 & mkdir -p /work/a/b; head -c 2000000 /dev/zero >/io/left; sleep 0.05"] },
            new StepRequest { Name = "second", Image = EngineFixture.OtherImage, Args = ["sh", "-c", "setsid sleep 1000 & sleep 0.05; cat /io/left >/work/left"] },
        ],
        Outputs = ["/io/left"],
    };
}
