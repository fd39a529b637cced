using System.Text;
using Contingious.Engine.Host.Checks;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Host;

/// <summary>
/// <c>contingious doctor</c>: looks at everything that the sandboxes need of the host, and names the command that mends what is amiss.
/// It runs as the account itself or as root on its behalf, outside of the keeper's namespaces, and changes nothing.
/// </summary>
public sealed class Doctor
{
    private static readonly (string Name, Func<Examined, IEnumerable<Finding>> Run)[] Checks =
    [
        ("programs", ProgramCheck.Run),
        ("account", AccountCheck.Run),
        ("user namespaces", UserNamespaceCheck.Run),
        ("kernel", KernelCheck.Run),
        ("cgroups", CgroupCheck.Run),
        ("directories", DirectoryCheck.Run),
        ("disk", DiskCheck.Run),
        ("swap", SwapCheck.Run),
        ("network", TunCheck.Run),
        ("core dumps", CoreDumpCheck.Run),
    ];

    private readonly Examined examined;

    /// <param name="root">The host.</param>
    /// <param name="accountName">For whom it is examined.</param>
    /// <param name="account">That account, where it is there.</param>
    public Doctor(HostRoot root, string accountName, HostAccount? account) => examined = new Examined(root, accountName, account);

    /// <summary>Less free space than this is warned of.</summary>
    public ByteSize LeastFreeSpace { get => examined.LeastFreeSpace; init => examined.LeastFreeSpace = value; }

    /// <summary>The runtime that is configured; nothing where that is not known, and either will do.</summary>
    public RuntimeKind? Runtime { get => examined.Runtime; init => examined.Runtime = value; }

    /// <summary>The doctor for an account by its name or uid; for the service account where there is none named.</summary>
    /// <param name="nameOrUid">The account.</param>
    /// <param name="root">The host.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <param name="runtimeOf">Which runtime is configured for an account.</param>
    public static async Task<Doctor> ForAsync(string? nameOrUid, HostRoot root, CancellationToken cancellation, Func<HostAccount, RuntimeKind?>? runtimeOf = null)
    {
        var name = nameOrUid ?? HostLayout.ServiceAccount;
        var account = await HostAccounts.FindAsync(name, root, cancellation).ConfigureAwait(false);
        return new Doctor(root, account?.Name ?? name, account) { Runtime = account is null ? null : runtimeOf?.Invoke(account) };
    }

    /// <summary>Looks at files and at the kernel only: a few milliseconds, no program is started.</summary>
    public IReadOnlyList<Finding> Examine() => examined.Root.IsReal && HostPath.IsApartFromHost
        ? [Finding.Notice("namespaces", "Inside of the keeper's namespaces the host cannot be examined.", examined.AsRoot)]
        : [.. Checks.SelectMany(check => Guarded(check.Name, () => check.Run(examined)))];

    /// <summary>As <see cref="Examine"/>, and asks the programs for their versions.</summary>
    public async Task<IReadOnlyList<Finding>> ExamineAsync(CancellationToken cancellation) =>
        [.. Examine(), .. await VersionCheck.RunAsync(examined, cancellation).ConfigureAwait(false)];

    /// <summary>Versions of crun, runc and rootlesskit, by name; a program that is missing or does not say is not there.</summary>
    public static Task<IReadOnlyDictionary<string, string>> VersionsAsync(HostRoot root, CancellationToken cancellation) => VersionCheck.VersionsAsync(root, cancellation);

    /// <summary>Refuses to go on where no job could run. Cheap enough for each start of an engine.</summary>
    /// <exception cref="HostNotReadyException">There are fatal findings; the message holds each with its remedy.</exception>
    public void RequireReady()
    {
        var fatal = Examine().Where(finding => finding.Severity == Severity.Fatal).ToList();
        if (fatal.Count == 0) return;
        var text = new StringBuilder("This host is not ready to run sandboxes.");
        foreach (var finding in fatal) text.Append('\n').Append(finding.Message).Append(" Mend it with: ").Append(finding.Remedy);
        throw new HostNotReadyException(text.ToString());
    }

    /// <summary>A check that cannot be made is a finding too, never the end of the examination.</summary>
    private List<Finding> Guarded(string name, Func<IEnumerable<Finding>> run)
    {
        try
        {
            return [.. run()];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return [Finding.Notice(name, $"This could not be looked at: {error.Message}", examined.AsRoot)];
        }
    }
}
