using System.Globalization;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host;

/// <summary>
/// How a command gets to where it may work: as the account that was prepared, never as the host's root, and, for what
/// touches sandboxes or images, inside the account's keeper. Getting there replaces this process by itself.
/// </summary>
public sealed class AccountEntry
{
    /// <summary>Names the account that root's commands run as, where it is not the service account.</summary>
    public const string AccountVariable = "CONTINGIOUS_ACCOUNT";

    // The new mount namespace has no memory of the caller's working directory.
    private const string DirectoryVariable = "CONTINGIOUS_CWD";

    // The number of a descriptor, not what is in it.
    private const string SecretVariable = "CONTINGIOUS_SECRET_FD";

    private const string NoSecret = "none";

    /// <summary>Directories and files of the caller's that the account would take for its own.</summary>
    private static readonly string[] rootsOwn = ["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "CONTAINERS_STORAGE_CONF"];

    private readonly bool isHostRoot;

    private AccountEntry(HostLayout layout, bool isHostRoot, bool isInKeeper)
    {
        Layout = layout;
        this.isHostRoot = isHostRoot;
        IsInKeeper = isInKeeper;
    }

    public HostLayout Layout { get; }

    /// <summary>Whether this process is inside the account's keeper already.</summary>
    public bool IsInKeeper { get; }

    /// <summary>Finds out which account this process works for.</summary>
    /// <exception cref="HostNotReadyException">
    /// The account does not exist or was not prepared, and the message names the command that mends it; or this process is inside a keeper that is no more.
    /// </exception>
    public static async Task<AccountEntry> FindAsync(CancellationToken cancellation)
    {
        var uid = Credentials.EffectiveUid;
        var outer = Credentials.OuterUid(uid);
        if (uid == 0 && outer != 0)
        {
            var inside = new HostLayout(await RequireAccountAsync(outer.ToString(CultureInfo.InvariantCulture), cancellation).ConfigureAwait(false));
            if (new Keeper(inside, TimeProvider.System).IsOwn()) return new AccountEntry(inside, isHostRoot: false, isInKeeper: true);

            // Root here is nobody outside: there is no root to drop, and no way from here into another namespace.
            throw new HostNotReadyException($"This process is in a user namespace of {inside.Account.Name} that is not its keeper's: the keeper that it belongs to is no more, or was replaced. Start it again from outside of it.");
        }

        var name = uid != 0 ? uid.ToString(CultureInfo.InvariantCulture) : Environment.GetEnvironmentVariable(AccountVariable) ?? HostLayout.ServiceAccount;
        var layout = new HostLayout(await RequireAccountAsync(name, cancellation).ConfigureAwait(false));
        if (layout.Account.Uid == 0) throw new HostNotReadyException($"The engine never runs as root: set {AccountVariable} to an account that was prepared with 'contingious setup --account NAME', or unset it.");
        if (!Directory.Exists(layout.RuntimeDirectory)) throw NotPrepared(layout.Account.Name);
        return new AccountEntry(layout, isHostRoot: uid == 0, isInKeeper: false);
    }

    /// <summary>
    /// For commands that touch nothing of the host: invoked as root, they start over as the prepared account. Where none
    /// is prepared there is nobody to become, and nothing of the engine to be kept from root.
    /// </summary>
    public static async Task LeaveRootAsync(IReadOnlyList<string> args, CancellationToken cancellation)
    {
        if (Credentials.EffectiveUid != 0 || Credentials.OuterUid(0) != 0) return;
        AccountEntry entry;
        try
        {
            entry = await FindAsync(cancellation).ConfigureAwait(false);
        }
        catch (HostNotReadyException)
        {
            return;
        }

        entry.BecomeAccount(args);
    }

    /// <summary>Makes sure that this process runs as the account. Invoked as root, it starts over as the account and does not return.</summary>
    public void BecomeAccount(IReadOnlyList<string> args)
    {
        if (!isHostRoot) return;
        DropRoot();
        throw ProcessImage.Replace(OwnProgram, args, EnvironmentOfAccount());
    }

    /// <summary>
    /// Makes sure that this process runs inside the account's keeper, which is started where there is none. Where it does
    /// not run there yet, it starts over inside and does not return.
    /// </summary>
    public Task EnterKeeperAsync(IReadOnlyList<string> args, CancellationToken cancellation) => EnterAsync(args, descriptor: null, secret: null, cancellation);

    /// <summary>As <see cref="EnterKeeperAsync(IReadOnlyList{string}, CancellationToken)"/>, where there is a keeper to enter; else it returns.</summary>
    public void EnterLiveKeeper(IReadOnlyList<string> args)
    {
        if (IsInKeeper || new Keeper(Layout, TimeProvider.System).Find() is null) return;
        EnterAsync(args, descriptor: null, secret: null, CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <summary>As <see cref="EnterKeeperAsync(IReadOnlyList{string}, CancellationToken)"/>.</summary>
    /// <param name="args">What it starts over with.</param>
    /// <param name="secret">What it has read, or nothing where there was nothing, and the account is not to read for itself; inside, <see cref="TryTakeSecret"/> finds it.</param>
    /// <param name="cancellation">Gives up waiting for the keeper.</param>
    public Task EnterKeeperAsync(IReadOnlyList<string> args, MemoryFile? secret, CancellationToken cancellation) => EnterAsync(args, secret?.Descriptor ?? NoSecret, secret, cancellation);

    /// <summary>
    /// For whoever looks after what runs in the keeper and need not be inside: this process becomes the account and stays outside, and does not start over,
    /// but for the cgroup that it must be in to join a sandbox's.
    /// </summary>
    /// <param name="args">What it starts over with.</param>
    /// <param name="sandbox">The live sandbox that is to be joined, by its name or job; nothing where none is.</param>
    /// <param name="cancellation">Gives up waiting for systemd.</param>
    /// <returns>The account's directories with a view into the keeper; nothing where none lives, and so no sandbox does.</returns>
    public async Task<HostLayout?> LookIntoKeeperAsync(IReadOnlyList<string> args, string? sandbox, CancellationToken cancellation)
    {
        if (IsInKeeper) return Layout;
        if (new Keeper(Layout, TimeProvider.System).Find() is not { } keeper)
        {
            new Doctor(HostRoot.Real, Layout.Account.Name, Layout.Account).RequireReady();
            return null;
        }

        var view = Layout with { Keeper = keeper };
        if (sandbox is not null) await CgroupEntry.EnsureAsync(view, isHostRoot, sandbox, OwnProgram, args, cancellation).ConfigureAwait(false);
        if (isHostRoot) DropRoot();
        return view;
    }

    private async Task EnterAsync(IReadOnlyList<string> args, string? descriptor, MemoryFile? secret, CancellationToken cancellation)
    {
        if (IsInKeeper) return;

        new Doctor(HostRoot.Real, Layout.Account.Name, Layout.Account).RequireReady();
        var nsenter = ProgramRunner.Find("nsenter") ?? throw new HostNotReadyException("The program nsenter is not installed. Mend it with: apt-get install util-linux");
        await CgroupEntry.EnsureAsync(Layout, isHostRoot, sandbox: null, OwnProgram, args, cancellation).ConfigureAwait(false);
        if (isHostRoot) DropRoot();
        var keeper = await new Keeper(Layout, TimeProvider.System).EnsureAsync(cancellation).ConfigureAwait(false);
        var env = EnvironmentOfAccount();
        env[DirectoryVariable] = Environment.CurrentDirectory;
        env.Remove(SecretVariable);
        if (descriptor is not null) env[SecretVariable] = descriptor;
        throw ProcessImage.Replace(nsenter, Keeper.WayInto(keeper, OwnProgram, args), env, secret);
    }

    /// <summary>What was handed to <see cref="EnterKeeperAsync(IReadOnlyList{string}, MemoryFile?, CancellationToken)"/> outside, which may be nothing.</summary>
    /// <returns>False where this process was not started over by that, or has taken it already.</returns>
    public static bool TryTakeSecret(out MemoryFile? secret)
    {
        var descriptor = Environment.GetEnvironmentVariable(SecretVariable);
        Environment.SetEnvironmentVariable(SecretVariable, null);
        secret = descriptor is null or NoSecret ? null : MemoryFile.Inherited(descriptor);
        return descriptor is not null;
    }

    private static string OwnProgram => Environment.ProcessPath ?? throw new HostNotReadyException("The path of this program is unknown: is /proc mounted?");

    private void DropRoot()
    {
        DiagnosticFiles.Remove();
        var groups = HostAccounts.GroupsOf(Layout.Account, HostRoot.Real);
        Credentials.Become(Layout.Account.Uid, Layout.Account.Gid, [.. groups]);
    }

    private Dictionary<string, string> EnvironmentOfAccount()
    {
        var env = ProcessImage.Environment();
        if (!isHostRoot) return env;
        env["HOME"] = Layout.Account.Home;
        env["USER"] = env["LOGNAME"] = Layout.Account.Name;
        foreach (var path in rootsOwn) env.Remove(path);
        return env;
    }

    /// <summary>Goes where the caller was, in a process that was started over inside; before any word of its command line is taken for a path.</summary>
    public static void RestoreDirectory()
    {
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is not { Length: > 0 } directory) return;

        // What this process starts in there, such as a shell, goes where it likes.
        Environment.SetEnvironmentVariable(DirectoryVariable, null);
        try
        {
            Environment.CurrentDirectory = directory;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Not reachable for the account: relative paths then fail by their own names, absolute ones work.
        }
    }

    private static async Task<HostAccount> RequireAccountAsync(string nameOrUid, CancellationToken cancellation) =>
        await HostAccounts.FindAsync(nameOrUid, HostRoot.Real, cancellation).ConfigureAwait(false) ?? throw NotPrepared(nameOrUid);

    private static HostNotReadyException NotPrepared(string account) => account == HostLayout.ServiceAccount
        ? new HostNotReadyException("This host is not prepared yet. Prepare it once with: sudo contingious setup")
        : new HostNotReadyException($"This host is not prepared for {account}. Prepare it once with: sudo contingious setup --account {account}  (or run this command with sudo, as the service account)");
}
