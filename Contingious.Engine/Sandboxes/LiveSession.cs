using System.Globalization;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>A further command for a live sandbox.</summary>
public sealed record SessionRequest
{
    /// <summary>Program and arguments.</summary>
    public required IReadOnlyList<string> Args { get; init; }

    /// <summary>The path of a terminal that the runtime is to run on, and then the command has one of its own in the container; else the runtime has the streams it is started with.</summary>
    public string? TerminalPath { get; init; }

    /// <summary>Whether the runtime is started as a child, which dies with the thread that started it. Else this very process becomes it.</summary>
    public required bool IsChild { get; init; }
}

/// <summary>
/// A further command in a live sandbox. It is known by a file of its own with its client's pid and start time, and by a cgroup
/// of the same name: when the client is dead, the next one gives both back, or the job's end does.
/// </summary>
public sealed class LiveSession : IDisposable
{
    /// <summary>How many a sandbox has at once: each has a process of ours in the job's cgroup, and its commands share the job's limits.</summary>
    public const int MostAtOnce = 8;

    // The cgroups of further commands begin with it: beside those of the steps, below the job's.
    private const string Prefix = "exec-";

    private const uint OwnerOnly = 0x1C0; // 0700

    private static readonly TimeSpan killPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan endPatience = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan lookEvery = TimeSpan.FromMilliseconds(5);

    private readonly string directory;
    private readonly string name;
    private readonly TimeProvider time;
    private FileLock? alone;

    private LiveSession(string directory, string name, Cgroup cgroup, TimeProvider time)
    {
        this.directory = directory;
        this.name = name;
        this.time = time;
        Cgroup = cgroup;
    }

    /// <summary>What to run.</summary>
    public ProgramRequest Program { get; internal set; } = new("false");

    /// <summary>
    /// Whether the container that the command was in has ended, or ends now: its first process is the last to go, after it has killed all others.
    /// </summary>
    public async Task<bool> IsContainerEndingAsync()
    {
        for (var waited = TimeSpan.Zero; Container.IsAlive; waited += lookEvery)
        {
            if (waited >= endPatience) return false;
            await Task.Delay(lookEvery).ConfigureAwait(false);
        }

        return true;
    }

    internal ProcessIdentity Container { get; init; }

    internal Cgroup Cgroup { get; }

    internal string ProcessFile => $"{directory}/{name}.json";

    private string ClientFile => $"{directory}/{name}.client";

    /// <summary>Whether a sandbox ever had one.</summary>
    internal static bool WasIn(string sandboxDirectory) => Directory.Exists(DirectoryOf(sandboxDirectory));

    /// <summary>Begins one whose client is this process. Until it is disposed no other one begins.</summary>
    /// <exception cref="ContingiousException">There are <see cref="MostAtOnce"/>.</exception>
    /// <exception cref="IOException">The sandbox is no more.</exception>
    internal static async Task<LiveSession> BeginAsync(string sandbox, string sandboxDirectory, Cgroup job, ProcessIdentity container, TimeProvider time, CancellationToken cancellation)
    {
        var directory = DirectoryOf(sandboxDirectory);

        // Not what is above it: a sandbox that has just ended is not to be there again.
        using (var sandboxes = DirectoryHandle.Open(sandboxDirectory)) _ = sandboxes.TryCreateDirectory("sessions"u8, OwnerOnly);
        var alone = await FileLock.ClaimAsync($"{directory}/lock", cancellation).ConfigureAwait(false);
        try
        {
            var live = 0;
            foreach (var other in Directory.EnumerateFiles(directory, $"{Prefix}*.client").Select(path => Path.GetFileNameWithoutExtension(path)))
            {
                var session = new LiveSession(directory, other, job.Child(other), time);
                if (session.HasClient()) live++;
                else await session.EndAsync().ConfigureAwait(false);
            }

            if (live >= MostAtOnce) throw new ContingiousException($"busy: {live} commands run in {sandbox} beside its own, and there are no more at once. End one of them first.");
            // Of the system's randomness, without the library that a generator of .NET's would load.
            var name = $"{Prefix}{Guid.NewGuid().ToString("N")[..8]}";
            var begun = new LiveSession(directory, name, job.Child(name), time) { Container = container };
            var client = ProcessIdentity.Of(Environment.ProcessId) ?? throw new HostNotReadyException("This process is not in /proc: is it mounted?");
            File.WriteAllText(begun.ClientFile, string.Create(CultureInfo.InvariantCulture, $"{client.Pid} {client.StartTime}"));
            _ = job.CreateChild(name);
            begun.alone = alone;
            return begun;
        }
        catch
        {
            alone.Dispose();
            throw;
        }
    }

    /// <summary>Kills what the command left running and gives its place back. What cannot be given back is left to the job's end.</summary>
    public async Task EndAsync()
    {
        try
        {
            await Cgroup.DiscardAsync(killPatience, time).ConfigureAwait(false);
            File.Delete(ProcessFile);
            File.Delete(ClientFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The job's end took it first, or something in it will not die: that is the end's to report.
        }
    }

    /// <summary>
    /// Lets others begin. A process that is about to become the runtime does not call it: execve(2) closes the lock, and
    /// until then this process can look like a zombie, while its first thread has ended and the calling one takes its place.
    /// </summary>
    public void Dispose() => alone?.Dispose();

    private static string DirectoryOf(string sandboxDirectory) => $"{sandboxDirectory}/sessions";

    private bool HasClient()
    {
        try
        {
            var words = File.ReadAllText(ClientFile).Split(' ');
            return words.Length == 2
                && int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
                && ulong.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var startTime)
                && new ProcessIdentity(pid, startTime).IsAlive;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }
}
