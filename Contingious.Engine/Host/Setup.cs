using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>For whom a host is set up.</summary>
public sealed record SetupRequest
{
    /// <summary>An account that is there; nothing for the service account, which is made where it is missing.</summary>
    public string? Account { get; init; }

    /// <summary>What the service starts: the path of the contingious program.</summary>
    public string Executable { get; init; } = Environment.ProcessPath ?? "/usr/local/bin/contingious";

    public HostRoot Root { get; init; } = HostRoot.Real;

    /// <summary>Only what lies on disk: for the root of a host that does not run, in which a package is installed or an image is made.</summary>
    public bool IsOffline { get; init; }

    /// <summary>Disk slots to provision; where nothing is said, those that are there stay.</summary>
    public DiskSlotRequest? DiskSlots { get; init; }
}

/// <summary>
/// <c>contingious setup</c>: what only root can do, done once for an account, so that nothing of ours runs as root afterwards.
/// It may be run again at any time: what is done already is left alone.
/// </summary>
public sealed class Setup
{
    private readonly SetupHost host;
    private readonly SetupRequest request;

    private Setup(SetupHost host, SetupRequest request)
    {
        this.host = host;
        this.request = request;
    }

    public string AccountName => host.AccountName;

    /// <summary>Looks the account up; nothing is changed. One that is gone is taken where there is something of setup's to undo.</summary>
    /// <exception cref="HostNotReadyException">The account that is asked for does not exist, or is root.</exception>
    public static async Task<Setup> OpenAsync(SetupRequest request, CancellationToken cancellation)
    {
        var name = request.Account ?? HostLayout.ServiceAccount;
        var account = await HostAccounts.FindAsync(name, request.Root, cancellation).ConfigureAwait(false);
        var host = new SetupHost(request.Root, account?.Name ?? name, account);
        if (account is null && !host.IsServiceAccount && (!HostAccounts.IsName(name) || !SetupRecord.Exists(host.Root, host.Layout))) throw NoAccount(name);
        if (account is { Uid: 0 }) throw new HostNotReadyException("Sandboxes never run as root. Name an ordinary account, or leave out --account.");
        return new Setup(host, request);
    }

    /// <summary>What is still to be done, in order; nothing where the host is ready. Nothing is changed.</summary>
    /// <exception cref="HostNotReadyException">This process may not look at all of it.</exception>
    public IReadOnlyList<SetupAction> Plan() =>
        Looking(() => Actions().Where(action => !action.IsDone(host)).Select(action => action.Capture(host)).ToList());

    private IEnumerable<SetupAction> Actions()
    {
        if (host.Account is null && !host.IsServiceAccount) throw NoAccount(host.AccountName);
        return request.IsOffline ? SetupPlan.OnDisk(host) : SetupPlan.For(host, request.Executable, request.DiskSlots);
    }

    /// <summary>Does what <see cref="Plan"/> lists, telling of each action as it is done.</summary>
    /// <exception cref="HostNotReadyException">This process is not root's.</exception>
    /// <exception cref="ContingiousException">An action failed; those before it are done, and recorded.</exception>
    public async Task ApplyAsync(Action<SetupAction> done, CancellationToken cancellation)
    {
        RequireRoot();
        using var turn = SetupTurn.Take(host.Root);
        var record = SetupRecord.Read(host.Root, host.Layout);
        foreach (var action in Plan())
        {
            cancellation.ThrowIfCancellationRequested();
            record.Add(action);
            await AttemptAsync(action.Describe(), () => action.ApplyAsync(host, cancellation)).ConfigureAwait(false);
            done(action);
        }
    }

    /// <summary>What <see cref="UndoAsync"/> would undo, in order; nothing where setup has done nothing. Nothing is changed.</summary>
    /// <exception cref="HostNotReadyException">This process may not read the record, which is root's.</exception>
    public IReadOnlyList<SetupAction> PlanUndo() => Looking(() => SetupRecord.Read(host.Root, host.Layout).Undoable());

    /// <summary>
    /// Undoes exactly what setup has done, newest first. What another account that was set up relies on too is left to that one.
    /// The imported images go with the directory they are in.
    /// </summary>
    /// <exception cref="HostNotReadyException">This process is not root's, or the keeper is running.</exception>
    /// <exception cref="ContingiousException">An action could not be undone; it and those before it are still recorded.</exception>
    public async Task UndoAsync(Action<SetupAction> undone, CancellationToken cancellation)
    {
        RequireRoot();
        using var turn = SetupTurn.Take(host.Root);
        var record = SetupRecord.Read(host.Root, host.Layout);
        if (record.Actions.Count == 0) return;
        LiveProcesses.RequireNone(host);
        foreach (var action in record.Actions.Reverse().ToList())
        {
            cancellation.ThrowIfCancellationRequested();
            if (action.IsShared && record.HandOver(action)) continue;
            await AttemptAsync(action.DescribeUndo(), () => action.UndoAsync(host, cancellation)).ConfigureAwait(false);
            record.Remove(action);
            undone(action);
        }
    }

    private static HostNotReadyException NoAccount(string name) =>
        new($"There is no account {name}. Make it first (useradd --create-home {name}), or leave out --account to use {HostLayout.ServiceAccount}.");

    private static IReadOnlyList<SetupAction> Looking(Func<IReadOnlyList<SetupAction>> look)
    {
        try
        {
            return look();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or LinuxException { Errno: Errno.EACCES })
        {
            throw new HostNotReadyException($"Only root can look at all that setup does: {error.Message} Run it with sudo, also with --dry-run.", error);
        }
    }

    private static async Task AttemptAsync(string what, Func<Task> attempt)
    {
        try
        {
            await attempt().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ContingiousException)
        {
            throw new ContingiousException($"Setup could not {what}: {error.Message} Mend it and run the same command again: it goes on from here.", error);
        }
    }

    private static void RequireRoot()
    {
        if (Credentials.EffectiveUid == 0 && !HostPath.IsApartFromHost) return;
        throw new HostNotReadyException("Setup changes the host, which only root may do. Run it with sudo; with --dry-run as well it only tells what it would do.");
    }
}
