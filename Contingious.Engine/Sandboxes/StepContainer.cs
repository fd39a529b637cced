using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>What a container is started with. Nothing of it is the command's own.</summary>
internal sealed record ContainerStart
{
    /// <summary>The container's id.</summary>
    public required string Container { get; init; }

    /// <summary>The directory of its config.json.</summary>
    public required string BundleDirectory { get; init; }

    /// <summary>The containers' init, by which the runtime is put into its cgroup.</summary>
    public required string InitProgram { get; init; }

    /// <summary>Who the container's root is, as the keeper numbers it.</summary>
    public required uint RootId { get; init; }

    public required Cgroup Cgroup { get; init; }

    /// <summary>Where the runtime is meanwhile.</summary>
    public required RuntimePlace Place { get; init; }
}

/// <summary>
/// A container whose init waits to be told a command: parked ahead of time, or about to get one. The runtime stays with it, and cleans up behind it once its init is let go.
/// </summary>
internal sealed class StepContainer : IAsyncDisposable
{
    private static readonly TimeSpan setUpPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan endPatience = TimeSpan.FromSeconds(10);

    private readonly ContainerStart start;
    private readonly OciRuntime runtime;
    private readonly TimeProvider time;
    private readonly Gate gate;
    private bool isLetGo;
    private bool isEnded;

    private StepContainer(ContainerStart start, OciRuntime runtime, TimeProvider time)
    {
        this.start = start;
        this.runtime = runtime;
        this.time = time;
        gate = Gate.Make(GateFile);
        try
        {
            Program = ProgramRunner.Start(runtime.Run(start.InitProgram, start.Container, start.BundleDirectory, start.Place.JoinFiles, GateFile, ComplaintFile));
        }
        catch
        {
            gate.Dispose();
            throw;
        }
    }

    public string Name => start.Container;

    /// <summary>The step's own cgroup.</summary>
    public Cgroup Cgroup => start.Cgroup;

    /// <summary>The runtime in the foreground. The command's streams are its own.</summary>
    public RunningProgram Program { get; }

    /// <summary>The waiting init; nothing where the container did not get so far, and <see cref="Complaint"/> may say why.</summary>
    public ContainerInit? Init { get; private set; }

    /// <summary>Whether the runtime stands between the command and its streams.</summary>
    public bool RelaysStreams => runtime.RelaysStreams;

    /// <summary>CPU time that was used beside the step's cgroup to start it.</summary>
    public TimeSpan CpuTimeBeside { get; private set; }

    /// <summary>What the runtime is called.</summary>
    public string RuntimeName => runtime.Name;

    /// <summary>Processes of ours in the step's cgroup while its command runs.</summary>
    public int OwnProcesses => runtime.OwnProcesses;

    public string InitProgram => start.InitProgram;

    private string ComplaintFile => $"{start.BundleDirectory}/runtime.log";

    private string GateFile => $"{start.BundleDirectory}/gate";

    /// <summary>
    /// Puts the runtime where it is to be, and has it wait there: what the kernel takes for that, up to tens of milliseconds where nobody has joined a cgroup for a
    /// while, passes while what the container is made of is still being made.
    /// </summary>
    /// <param name="start">What the container is.</param>
    /// <param name="runtime">What runs it.</param>
    /// <param name="time">The clock.</param>
    public static StepContainer Prepare(ContainerStart start, OciRuntime runtime, TimeProvider time)
    {
        Directory.CreateDirectory(start.BundleDirectory);
        return new StepContainer(start, runtime, time);
    }

    /// <summary>Starts the container, whose bundle is whole now, up to its init's being ready.</summary>
    /// <exception cref="ContingiousException">It is not ready in time.</exception>
    public async Task StartAsync()
    {
        using var tools = DirectoryHandle.Open(StepBundle.ToolsDirectory(start.BundleDirectory));
        using var listener = UnixListener.Listen(tools, StepBundle.SocketName, start.RootId);
        isLetGo = true;
        gate.Open();
        try
        {
            await ReadyAsync(listener, tools).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            try
            {
                await KillAsync().ConfigureAwait(false);
            }
            catch (Exception second) when (second is ContingiousException or IOException)
            {
                // It must not hide the first fault; what is left is the sandbox's release to kill.
            }

            if (error is not OperationCanceledException) throw;
            throw new ContingiousException($"The container {start.Container} was not ready within {setUpPatience.TotalSeconds} s. Is the host overloaded?", error);
        }
    }

    /// <summary>What the runtime had to complain about.</summary>
    public string Complaint() => runtime.ReadLog(ComplaintFile);

    /// <summary>Kills everything in it from outside, where its init does not do so.</summary>
    /// <exception cref="ContingiousException">Something cannot be killed.</exception>
    public async Task KillAsync()
    {
        await start.Place.KillAsync(endPatience, time).ConfigureAwait(false);
        if (!await start.Cgroup.KillAsync(spared: Program.Pid, endPatience, time).ConfigureAwait(false))
        {
            throw new ContingiousException($"Processes of {start.Cgroup.Name} outlived SIGKILL for {endPatience.TotalSeconds} s.");
        }
    }

    /// <summary>Waits for the runtime to have cleaned up behind the container, whose init has ended or ends now.</summary>
    public async Task EndAsync()
    {
        if (isEnded) return;
        isEnded = true;
        Init?.Dispose();

        gate.Dispose();
        if (!isLetGo) Program.Kill();
        using var patience = new CancellationTokenSource(endPatience, time);
        try
        {
            await Program.WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Program.Kill();
            await Program.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }

        if (runtime.Knows(start.Container)) await runtime.DeleteAsync(start.Container, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>CPU time that the runtime has used beside the step since it was asked last.</summary>
    public TimeSpan TakeCpuTimeBeside() => start.Place.TakeCpuTime();

    public async ValueTask DisposeAsync()
    {
        await EndAsync().ConfigureAwait(false);
        start.Cgroup.StopCounting();
        Program.Dispose();
    }

    private async Task ReadyAsync(UnixListener listener, DirectoryHandle tools)
    {
        using var patience = new CancellationTokenSource(setUpPatience, time);
        using var accepting = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        var connected = listener.AcceptAsync(accepting.Token);
        await Task.WhenAny(connected, Program.WaitAsync(patience.Token)).ConfigureAwait(false);
        if (!connected.IsCompletedSuccessfully)
        {
            await accepting.CancelAsync().ConfigureAwait(false);
            await ((Task)connected).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (connected.IsCompletedSuccessfully) (await connected.ConfigureAwait(false)).Dispose();
            patience.Token.ThrowIfCancellationRequested();
            return;
        }

        var init = new ContainerInit(await connected.ConfigureAwait(false));
        tools.RemoveFile("agent"u8);
        var report = await init.ReadAsync(patience.Token).ConfigureAwait(false);
        if (report is not { Kind: InitReportKind.Ready })
        {
            init.Dispose();
            if (report is not { Kind: InitReportKind.Failed, Stage: (int)InitStage.Filter }) return;
            runtime.Forget();
            throw new ContingiousException($"{runtime.Name} began the container {start.Container} without its filter of system calls, and so nothing was run in it.");
        }

        Init = init;
        CpuTimeBeside = start.Place.HandOver(init.Pid);
        runtime.Learn(start.Container);
    }
}
