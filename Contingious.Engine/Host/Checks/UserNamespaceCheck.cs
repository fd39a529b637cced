namespace Contingious.Engine.Host.Checks;

/// <summary>Whether an ordinary account may make user namespaces (user_namespaces(7)).</summary>
internal static class UserNamespaceCheck
{
    private const string Check = "user namespaces";

    public static IEnumerable<Finding> Run(Examined host)
    {
        var found = Refusals(host).ToList();
        return found.Count > 0 ? found : [Finding.Ok(Check, "An ordinary account may make them.")];
    }

    private static IEnumerable<Finding> Refusals(Examined host)
    {
        switch (host.Root.TryRead("/proc/sys/user/max_user_namespaces")?.Trim())
        {
            case null:
                yield return Finding.Fatal(Check, "The kernel is built without user namespaces.", "sudo apt-get install linux-image-amd64, and boot it");
                break;
            case "0":
                yield return Finding.Fatal(Check, "The kernel allows no user namespaces (user.max_user_namespaces is 0).", "sudo sysctl -w user.max_user_namespaces=28633");
                break;
        }

        // Debian's and Arch's own switch; other kernels do not have the file.
        if (host.Root.TryRead("/proc/sys/kernel/unprivileged_userns_clone")?.Trim() is "0")
        {
            yield return Finding.Fatal(Check, "The kernel allows user namespaces to root only (kernel.unprivileged_userns_clone is 0).", "sudo sysctl -w kernel.unprivileged_userns_clone=1");
        }

        foreach (var finding in AppArmor(host)) yield return finding;
    }

    private static IEnumerable<Finding> AppArmor(Examined host)
    {
        if (AppArmorProfiles.Lack(host.Root) is not { } lack) yield break;
        var programs = string.Join(" and ", lack.Programs);
        var restricted = $"AppArmor allows user namespaces only to programs with a profile that says so ({AppArmorProfiles.Switch} is 1)";
        yield return lack.Loads is { } file
            ? Finding.Warning(Check, $"{restricted}, and {file}, which says so for {programs}, is not loaded.", $"sudo apparmor_parser -r {file}")
            : Finding.Warning(Check, $"{restricted}, and there is none for {programs}. Setup writes {AppArmorProfiles.PathOfOurs} and has apparmor_parser -r load it: {string.Join("; ", lack.Programs.Select(AppArmorProfiles.Rule))}.", host.Setup);
    }
}
