using System.Diagnostics;
using System.Globalization;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host;

/// <summary>The host that setup acts on, and the account it is prepared for.</summary>
/// <param name="root">The host's file system.</param>
/// <param name="accountName">The account; the service account may yet have to be made.</param>
/// <param name="account">The account, where it is there.</param>
internal sealed class SetupHost(HostRoot root, string accountName, HostAccount? account)
{
    // E_USER_BUSY of usermod(8).
    private const int UserIsBusy = 8;

    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    public HostRoot Root { get; } = root;

    public string AccountName { get; } = accountName;

    public HostAccount? Account { get; private set; } = account;

    /// <summary>The directories' names depend on the account's name alone, so they are known before the account is made.</summary>
    public HostLayout Layout => new(Account ?? new HostAccount(AccountName, uint.MaxValue, uint.MaxValue, ""));

    public bool IsServiceAccount => AccountName == HostLayout.ServiceAccount;

    /// <summary>The uid and gid of an owner that an action names: root or the account.</summary>
    public (uint Uid, uint Gid) IdsOf(string owner) => owner == "root" ? (0, 0) : (RequireAccount().Uid, RequireAccount().Gid);

    public bool IsOwnedBy(string owner, uint uid) => owner == "root" ? uid == 0 : Account?.Uid == uid;

    public HostAccount RequireAccount() =>
        Account ?? throw new HostNotReadyException($"There is no account {AccountName}, although it was to be made first.");

    /// <summary>Looks again: useradd and userdel have changed what there is.</summary>
    public void RefreshAccount() => Account = HostAccounts.FindLocal(AccountName, Root);

    /// <summary>Runs a program of the shadow tools, which lock the files of /etc correctly (lckpwdf(3)).</summary>
    public Task RunShadowAsync(string program, IEnumerable<string> args, CancellationToken cancellation) =>
        ProgramRunner.RequireAsync(Shadow(program, args), cancellation);

    /// <summary>As <see cref="RunShadowAsync"/>, for what they refuse while a process of the account lives: its systemd may just be ending.</summary>
    /// <exception cref="HostNotReadyException">One stays.</exception>
    public async Task RunShadowAtRestAsync(string program, IEnumerable<string> args, CancellationToken cancellation)
    {
        var request = Shadow(program, args);
        var begun = Stopwatch.GetTimestamp();
        ProgramResult result;
        while ((result = await ProgramRunner.RunAsync(request, cancellation).ConfigureAwait(false)).ExitCode == UserIsBusy)
        {
            if (Stopwatch.GetElapsedTime(begun) > patience) throw new HostNotReadyException($"{program} says: {result.Complaint}. End what runs as {AccountName} first, log it out (from another account: sudo loginctl terminate-user {AccountName}), and run the same command again");
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancellation).ConfigureAwait(false);
        }

        ProgramRunner.RequireSuccess(request, result);
    }

    private ProgramRequest Shadow(string program, IEnumerable<string> args)
    {
        string[] prefix = Root.IsReal ? [] : ["--prefix", Root.Prefix];
        return new ProgramRequest(program, [.. prefix, .. args]);
    }

    /// <summary>Tells systemd; there is none behind a directory that only looks like a root.</summary>
    public Task RunSystemdAsync(string program, IReadOnlyList<string> args, CancellationToken cancellation) =>
        Root.IsReal ? ProgramRunner.RequireAsync(new ProgramRequest(program, args), cancellation) : Task.CompletedTask;

    public static string Octal(uint mode) => Convert.ToString(mode, 8).PadLeft(4, '0').ToString(CultureInfo.InvariantCulture);
}
