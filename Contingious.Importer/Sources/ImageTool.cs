using System.Globalization;
using System.Runtime.ExceptionServices;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Importer.Sources;

/// <summary>A run of a tool that brings images.</summary>
/// <param name="Program">Its name.</param>
/// <param name="Args">Its arguments.</param>
internal sealed record ToolRequest(string Program, params IReadOnlyList<string> Args)
{
    /// <summary>What a message calls it, where a shell runs it.</summary>
    public string? Title { get; init; }

    /// <summary>The package that has it, where that is called otherwise.</summary>
    public string? Package { get; init; }

    /// <summary>Whether it works on the account's own storage of containers, and not on one in the staging directory.</summary>
    public bool UsesAccountStorage { get; init; }

    /// <summary>Told each line that it says on standard error.</summary>
    public Action<string>? OnLine { get; init; }

    /// <summary>Reads standard output to its end; where nobody does it is kept for the message of a failure.</summary>
    public Func<Stream, CancellationToken, Task>? ReadOutput { get; init; }
}

/// <summary>
/// buildah, skopeo and mmdebstrap, run so that they read and write nothing outside the staging directory but what they are told to, and so that
/// all of them is gone when the run is over, however it ends: in a mount and a process namespace of their own, which die with this process.
/// </summary>
/// <remarks>unshare(1) needs uid 0 of a user namespace, which every import has.</remarks>
internal static class ImageTool
{
    private const string RootlessUid = "_CONTAINERS_ROOTLESS_UID";
    private const string UsernsConfigured = "_CONTAINERS_USERNS_CONFIGURED";
    private const int Killed = 128 + 9;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly string[] Proxies = ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
    private static readonly string[] StorageVariables = ["HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "CONTAINERS_STORAGE_CONF"];
    private static readonly string[] Contained = ["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--"];

    private static string OuterUid => Credentials.OuterUid(0).ToString(CultureInfo.InvariantCulture);

    /// <exception cref="HostNotReadyException">It is not installed; the message names the package.</exception>
    public static string Find(string program, string? package = null) => ProgramRunner.Find(program)
        ?? throw new HostNotReadyException($"The program {program} is not installed, and this source of images needs it. 'apt-get install {package ?? program}' installs it.");

    /// <summary>Runs the tool to its end. On cancellation, and where its output cannot be used, it is killed with all that it started.</summary>
    /// <exception cref="ContingiousException">It failed; the message quotes the end of what it said.</exception>
    /// <exception cref="HostNotReadyException">It is not installed.</exception>
    public static async Task RunAsync(StagingArea staging, ToolRequest request, CancellationToken cancellation)
    {
        var path = Find(request.Program, request.Package);
        var start = new ProgramRequest("setpriv", [.. Contained, path, .. request.Args])
        {
            Env = request.UsesAccountStorage ? AccountEnvironment(staging) : StagingEnvironment(staging),
            WorkingDirectory = staging.Directory,
        };
        using var tool = await ProgramRunner.StartOnOwnThreadAsync(start).ConfigureAwait(false);
        var said = new ToolOutput();
        var complaints = said.ReadAsync(tool.Stderr, request.OnLine);
        using var stopped = cancellation.Register(tool.Kill);
        Exception? fault = null;
        try
        {
            await tool.WriteStdinAsync(default, cancellation).ConfigureAwait(false);
            await (request.ReadOutput?.Invoke(new HeldOpen(tool.Stdout), cancellation) ?? said.ReadAsync(tool.Stdout, null)).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ContingiousException or OperationCanceledException or IOException)
        {
            // A tool that fails leaves its output cut off, and then its own word is the better one; one that goes on is killed.
            fault = error;
            await Task.WhenAny(tool.WaitAsync(CancellationToken.None), Task.Delay(Patience, CancellationToken.None)).ConfigureAwait(false);
            tool.Kill();
        }

        // Ends when the last process that could still write has ended: each of them has this pipe.
        await complaints.ConfigureAwait(false);
        await tool.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        if (tool.ExitCode is not (0 or Killed) || (tool.ExitCode == Killed && fault is null)) throw said.Failure(request.Title ?? request.Program, tool.ExitCode);
        if (fault is not null) ExceptionDispatchInfo.Throw(fault);
    }

    /// <summary>
    /// Its reader may close it: a tool that writes on then waits until it is killed, and does not fail for a broken pipe, which would hide why the reader ended.
    /// </summary>
    private sealed class HeldOpen(Stream inner) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer) => inner.Read(buffer);
    }

    private static Dictionary<string, string> StagingEnvironment(StagingArea staging) => new(Inherited(Proxies))
    {
        ["HOME"] = staging.TemporaryDirectory,
        ["TMPDIR"] = staging.TemporaryDirectory,
        ["XDG_RUNTIME_DIR"] = staging.TemporaryDirectory,
        ["CONTAINERS_STORAGE_CONF"] = staging.StorageFile,
        // Else they look for signatures, and for the lock of the host's network, where root keeps them, which may be closed to us or another account's.
        [RootlessUid] = OuterUid,
        [UsernsConfigured] = "done",
    };

    /// <summary>
    /// As containers/storage finds the storage of a user who is not root. Where it sees uid 0 it would take the system's; these variables
    /// (its own, for its own second start in a user namespace) say that this one belongs to the account, whose ids are mapped as it maps them.
    /// </summary>
    private static Dictionary<string, string> AccountEnvironment(StagingArea staging) => new(Inherited(StorageVariables))
    {
        ["TMPDIR"] = staging.TemporaryDirectory,
        [UsernsConfigured] = "done",
        [RootlessUid] = OuterUid,
    };

    private static Dictionary<string, string> Inherited(IEnumerable<string> names)
    {
        var env = new Dictionary<string, string>(ProgramRunner.BareEnvironment);
        foreach (var name in names)
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value) env[name] = value;
        }

        return env;
    }
}
