using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.Checks;

/// <summary>The account, its subordinate ids, and the two programs that let it map them.</summary>
internal static class AccountCheck
{
    private const string Check = "account";
    private const uint SetUid = 0x800;

    public static IEnumerable<Finding> Run(Examined host)
    {
        yield return Account(host);
        if (host.Account is { Uid: not 0 } account)
        {
            yield return Ids(host, account, SubordinateKind.Uid);
            yield return Ids(host, account, SubordinateKind.Gid);
        }

        foreach (var program in (string[])["newuidmap", "newgidmap"])
        {
            if (host.Root.FindProgram(program) is { } path) yield return Mapper(path);
        }
    }

    private static Finding Account(Examined host) => host.Account switch
    {
        null => Finding.Fatal(Check, $"There is no account {host.AccountName}.", host.AccountName == HostLayout.ServiceAccount ? host.Setup : $"sudo useradd --create-home {host.AccountName} && {host.Setup}"),
        { Uid: 0 } => Finding.Fatal(Check, "Sandboxes never run as root.", "sudo contingious setup, then run contingious as the account that it made"),
        { } account => Finding.Ok(Check, $"{account.Name} has uid {account.Uid}."),
    };

    private static Finding Ids(Examined host, HostAccount account, SubordinateKind kind)
    {
        var path = SubordinateIds.PathOf(kind);
        var total = SubordinateIds.Total(SubordinateIds.Parse(host.Root.Lines(path)), account.Name, account.Uid);
        return total >= SubordinateIds.Needed
            ? Finding.Ok("subordinate ids", $"{path} gives {account.Name} {total} ids.")
            : Finding.Fatal("subordinate ids", $"{path} gives {account.Name} {total} ids; {SubordinateIds.Needed} are needed.", host.Setup);
    }

    private static Finding Mapper(string path)
    {
        if (HostPath.TryTargetStatus(path) is not { } status) return Finding.Fatal("subordinate ids", $"{path} points to nothing.", "sudo apt-get install --reinstall uidmap");
        return (status is { Uid: 0 } && (status.Permissions & SetUid) != 0) || HostPath.HasFileCapabilities(path)
            ? Finding.Ok("subordinate ids", $"{path} may map ids.")
            : Finding.Fatal("subordinate ids", $"{path} is neither setuid root nor has it file capabilities, so it may not map ids.", $"sudo chown root {path} && sudo chmod u+s {path}");
    }
}
