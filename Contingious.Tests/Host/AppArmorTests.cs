using Contingious.Engine;
using Contingious.Engine.Host;

namespace Contingious.Tests.Host;

public sealed class AppArmorTests
{
    private const string Switch = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    private const string Loaded = "/sys/kernel/security/apparmor/profiles";
    private const string Ours = "/etc/apparmor.d/contingious";

    // As Ubuntu has them, in form: one names its profile, the other is named by its path.
    private const string OfRootlesskit = "abi <abi/4.0>,\ninclude <tunables/global>\n\nprofile rootlesskit /usr/bin/rootlesskit flags=(unconfined) {\n  userns,\n}\n";
    private const string OfCrun = "abi <abi/4.0>,\n\"/usr/bin/crun\" flags=(unconfined) {\n  userns,\n}\n";

    [Theory]
    [InlineData(null)]
    [InlineData("0\n")]
    public async Task A_host_without_the_restriction_is_told_nothing_of_it(string? value)
    {
        using var host = FakeHost.Systemd();
        host.InstallPrograms();
        if (value is not null) host.Write(Switch, value);

        Assert.DoesNotContain(await ExamineAsync(host), finding => finding.Message.Contains("AppArmor", StringComparison.Ordinal));
        Assert.DoesNotContain((await host.SetupAsync()).Plan(), action => action.Describe().Contains("apparmor", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Programs_that_no_profile_names_are_told_with_the_profile_that_setup_writes()
    {
        using var host = Restricted();
        host.Write("/etc/apparmor.d/rootlesskit", OfRootlesskit);

        var finding = Assert.Single(await ExamineAsync(host), finding => finding.Message.Contains("AppArmor", StringComparison.Ordinal));
        Assert.Equal((Severity.Warning, "sudo contingious setup"), (finding.Severity, finding.Remedy));
        Assert.Contains("there is none for /usr/bin/crun.", finding.Message, StringComparison.Ordinal);
        Assert.Contains("profile contingious-crun /usr/bin/crun flags=(unconfined) { userns, }", finding.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("contingious-rootlesskit", finding.Message, StringComparison.Ordinal);
        Assert.Contains((await host.SetupAsync()).Plan(), action => action.Describe() == $"write {Ours}, which lets /usr/bin/crun make user namespaces, and run apparmor_parser -r {Ours}");
    }

    [Fact]
    public async Task Profiles_of_the_host_that_are_loaded_are_enough()
    {
        using var host = Restricted();
        host.Write("/etc/apparmor.d/rootlesskit", OfRootlesskit);
        host.Write("/etc/apparmor.d/crun", OfCrun);
        host.Write(Loaded, "rootlesskit (unconfined)\n/usr/bin/crun (unconfined)\n");

        Assert.DoesNotContain(await ExamineAsync(host), finding => finding.Message.Contains("AppArmor", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_profile_of_the_host_that_is_not_loaded_is_the_host_s_to_load()
    {
        using var host = Restricted();
        host.Write("/etc/apparmor.d/rootlesskit", OfRootlesskit);
        host.Write("/etc/apparmor.d/crun", OfCrun);
        host.Write(Loaded, "/usr/bin/crun (unconfined)\nrootlesskit.other (enforce)\n");

        Assert.Contains(await ExamineAsync(host), finding => finding is { Severity: Severity.Warning, Remedy: "sudo apparmor_parser -r /etc/apparmor.d/rootlesskit" });
        Assert.DoesNotContain((await host.SetupAsync()).Plan(), action => action.Describe().Contains("apparmor", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("# profile rootlesskit /usr/bin/rootlesskit { userns, }\n")]
    [InlineData("profile rootlesskit /usr/bin/rootlesskit { network, }\n")]
    [InlineData("profile rootlesskit /opt/bin/rootlesskit { userns, }\n")]
    public async Task A_comment_another_rule_or_another_path_allows_nothing(string text)
    {
        using var host = Restricted();
        host.Write("/etc/apparmor.d/rootlesskit", text);
        host.Write("/etc/apparmor.d/crun", OfCrun);

        Assert.Contains(await ExamineAsync(host), finding => finding.Message.Contains("there is none for /usr/bin/rootlesskit.", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Needs", "root")]
    public async Task Setup_writes_the_profiles_once_and_undo_removes_them()
    {
        RootOnly.Require();
        using var host = Restricted();
        var setup = await host.SetupAsync(FakeHost.Ordinary);

        await setup.ApplyAsync(_ => { }, CancellationToken.None);

        var text = host.Root.TryRead(Ours) ?? "";
        Assert.Contains("\nprofile contingious-rootlesskit /usr/bin/rootlesskit flags=(unconfined) { userns, }\nprofile contingious-crun /usr/bin/crun flags=(unconfined) { userns, }\n", text, StringComparison.Ordinal);
        Assert.StartsWith("#", text, StringComparison.Ordinal);
        Assert.DoesNotContain(await ExamineAsync(host), finding => finding.Message.Contains("AppArmor", StringComparison.Ordinal));
        Assert.DoesNotContain((await host.SetupAsync(FakeHost.Ordinary)).Plan(), action => action.Describe().Contains("apparmor", StringComparison.Ordinal));

        await (await host.SetupAsync(FakeHost.Ordinary)).UndoAsync(_ => { }, CancellationToken.None);

        Assert.Null(host.Root.TryRead(Ours));
    }

    private static FakeHost Restricted()
    {
        var host = FakeHost.Systemd();
        host.InstallPrograms();
        host.Write(Switch, "1\n");
        host.MakeDirectory("/etc/apparmor.d");
        return host;
    }

    private static async Task<IReadOnlyList<Finding>> ExamineAsync(FakeHost host) => (await host.DoctorAsync()).Examine();
}
