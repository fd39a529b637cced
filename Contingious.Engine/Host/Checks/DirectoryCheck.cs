using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.Checks;

/// <summary>The account's directories: there, its own, and closed to others as far as they must be.</summary>
internal static class DirectoryCheck
{
    private const string Check = "directories";

    public static IEnumerable<Finding> Run(Examined host)
    {
        if (host.Account is not { } account) yield break;
        var layout = new HostLayout(account);
        yield return Look(host, account, layout.StateDirectory, 0x1C0);
        if (MayLookInside(account) && host.Root.TryStatus(layout.StateDirectory) is not null)
        {
            yield return Look(host, account, layout.ImagesDirectory, 0x1C9);
            yield return Look(host, account, layout.StagingDirectory, 0x1C0);
        }

        yield return Look(host, account, layout.RuntimeDirectory, 0x1C9);
    }

    /// <summary>The state directory is closed to everyone but the account and root.</summary>
    private static bool MayLookInside(HostAccount account) => Credentials.EffectiveUid is 0 || Credentials.EffectiveUid == account.Uid;

    private static Finding Look(Examined host, HostAccount account, string path, uint mode) => host.Root.TryStatus(path) switch
    {
        null => Finding.Fatal(Check, $"{path} does not exist.", host.Setup),
        { Kind: not FileKind.Directory } => Finding.Fatal(Check, $"{path} is not a directory.", $"sudo mv {path} {path}.old && {host.Setup}"),
        { } found when found.Uid != account.Uid => Finding.Fatal(Check, $"{path} belongs to uid {found.Uid}, not to {account.Name}.", host.Setup),
        { } found when found.Permissions != mode => Finding.Fatal(Check, $"{path} has mode {SetupHost.Octal(found.Permissions)}; it must be {SetupHost.Octal(mode)}.", host.Setup),
        _ => Finding.Ok(Check, $"{path} is the account's."),
    };
}
