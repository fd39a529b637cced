using Contingious.Engine.Host;

namespace Contingious.Agent.Runner;

/// <summary>Where runners of one account are found, and where they write.</summary>
/// <param name="SocketDirectory">Holds <c>ID.sock</c> of each live runner, and the lock of the one that takes new jobs; mode 0700.</param>
/// <param name="JournalDirectory">Kept over reboots; mode 0700.</param>
/// <param name="LogFile">What runners of this account say.</param>
internal sealed record RunnerPlace(string SocketDirectory, string JournalDirectory, string LogFile)
{
    public const UnixFileMode Closed = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const string SocketSuffix = ".sock";

    /// <summary>Sockets are the keeper's: who is in another keeper's namespace has runners of its own.</summary>
    public static RunnerPlace Of(HostLayout layout) =>
        new($"{layout.PrivateDirectory}/runners", $"{layout.StateDirectory}/journal", $"{layout.RuntimeDirectory}/runner.log");

    /// <summary>Held by the runner that takes new jobs.</summary>
    public string LockFile => $"{SocketDirectory}/lock";

    /// <summary>Held by an agent that starts a runner, so that two do not start one each.</summary>
    public string StartLockFile => $"{SocketDirectory}/start.lock";

    /// <summary>A runner's socket, below <see cref="SocketDirectory"/>.</summary>
    public static string SocketName(string id) => $"{id}{SocketSuffix}";

    /// <summary>Why a runner could not start: the one who asked for it reads this, and removes it.</summary>
    public string FailureFile(string id) => $"{SocketDirectory}/{id}.failed";

    /// <summary>Ids of the runners that may be alive.</summary>
    public IReadOnlyList<string> Ids() => Directory.Exists(SocketDirectory)
        ? [.. Directory.EnumerateFileSystemEntries(SocketDirectory, $"*{SocketSuffix}").Select(path => Path.GetFileName(path)[..^SocketSuffix.Length]).Where(id => !id.StartsWith('.')).Order(StringComparer.Ordinal)]
        : [];
}
