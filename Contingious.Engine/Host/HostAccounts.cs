using System.Globalization;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Host;

/// <summary>Accounts of the host: passwd(5) first, then whatever getent(1) knows, as LDAP's.</summary>
public static class HostAccounts
{
    private const string Passwd = "/etc/passwd";
    private const string Group = "/etc/group";

    /// <summary>
    /// A name that can stand in a path and an argument: what useradd(8) takes, and the domains of directory services.
    /// </summary>
    public static bool IsName(string name)
    {
        const int most = 128;
        var letters = name.EndsWith('$') ? name.AsSpan()[..^1] : name;
        if (letters.Length is 0 or > most || !IsFirst(letters[0])) return false;
        foreach (var letter in letters)
        {
            if (!IsFirst(letter) && letter is not ('.' or '@' or '-')) return false;
        }

        return true;
    }

    /// <summary>Finds an account by its name or its decimal uid; nothing where there is none.</summary>
    public static Task<HostAccount?> FindAsync(string nameOrUid, HostRoot host, CancellationToken cancellation)
    {
        if (!IsName(nameOrUid)) return Task.FromResult<HostAccount?>(null);
        return FindLocal(nameOrUid, host) is { } local ? Task.FromResult<HostAccount?>(local) : AskAsync(nameOrUid, host, cancellation);
    }

    /// <summary>As <see cref="FindAsync"/>, of the host's own file alone: no program is started.</summary>
    public static HostAccount? FindLocal(string nameOrUid, HostRoot host) => Pick(nameOrUid, host.Lines(Passwd));

    /// <summary>The groups of an account that /etc/group tells of, its own among them.</summary>
    internal static IReadOnlySet<uint> GroupsOf(HostAccount account, HostRoot host)
    {
        var groups = new HashSet<uint> { account.Gid };
        foreach (var fields in host.Lines(Group).Select(line => line.Split(':')))
        {
            if (fields.Length == 4 && fields[3].Split(',').Contains(account.Name) && TryId(fields[2], out var gid)) groups.Add(gid);
        }

        return groups;
    }

    /// <summary>Every uid and gid that an account or a group of the host's own files has.</summary>
    internal static IEnumerable<uint> TakenIds(HostRoot host)
    {
        foreach (var fields in host.Lines(Passwd).Concat(host.Lines(Group)).Select(line => line.Split(':')))
        {
            if (fields.Length > 2 && TryId(fields[2], out var id)) yield return id;
        }
    }

    private static async Task<HostAccount?> AskAsync(string nameOrUid, HostRoot host, CancellationToken cancellation)
    {
        if (!host.IsReal || host.FindProgram("getent") is not { } getent) return null;
        var answer = await ProgramRunner.RunAsync(new ProgramRequest(getent, "passwd", nameOrUid), cancellation).ConfigureAwait(false);
        return answer.ExitCode == 0 ? Pick(nameOrUid, answer.StdoutText.Split('\n')) : null;
    }

    private static HostAccount? Pick(string nameOrUid, IEnumerable<string> lines)
    {
        // A name wins over a number, as everywhere (chown(1)): there are accounts that are called 1000.
        var accounts = lines.Select(HostAccount.Parse).OfType<HostAccount>().ToList();
        return accounts.Find(account => account.Name == nameOrUid)
            ?? (TryId(nameOrUid, out var uid) ? accounts.Find(account => account.Uid == uid) : null);
    }

    private static bool TryId(string text, out uint id) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    private static bool IsFirst(char letter) => char.IsAsciiLetterOrDigit(letter) || letter == '_';
}
