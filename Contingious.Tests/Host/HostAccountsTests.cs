using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Host;

public sealed class HostAccountsTests
{
    [Fact]
    public async Task An_account_is_found_by_its_name_and_by_its_uid()
    {
        using var host = FakeHost.Hybrid();

        var expected = new HostAccount("teacher", 1234, 1234, "/home/teacher");
        Assert.Equal(expected, await HostAccounts.FindAsync("teacher", host.Root, CancellationToken.None));
        Assert.Equal(expected, await HostAccounts.FindAsync("1234", host.Root, CancellationToken.None));
        Assert.Null(await HostAccounts.FindAsync("nobody-here", host.Root, CancellationToken.None));
    }

    [Fact]
    public void A_name_wins_over_a_uid()
    {
        using var host = FakeHost.Hybrid();
        host.Write("/etc/passwd", "first:x:77:1::/:/bin/sh\n77:x:88:1::/:/bin/sh\n");

        Assert.Equal(88u, HostAccounts.FindLocal("77", host.Root)?.Uid);
    }

    [Theory]
    [InlineData("teacher", true)]
    [InlineData("_svc", true)]
    [InlineData("ada@example.org", true)]
    [InlineData("", false)]
    [InlineData("-rf", false)]
    [InlineData("../etc", false)]
    [InlineData("a/b", false)]
    [InlineData("a b", false)]
    [InlineData("a\n", false)]
    [InlineData("a:b", false)]
    public void A_name_is_safe_in_paths_and_arguments(string name, bool isName) => Assert.Equal(isName, HostAccounts.IsName(name));

    [Fact]
    public async Task The_hosts_own_root_is_found_through_its_name_service_too()
    {
        Assert.Equal(0u, (await HostAccounts.FindAsync("root", HostRoot.Real, CancellationToken.None))?.Uid);
        Assert.Null(await HostAccounts.FindAsync("no-such-account-here", HostRoot.Real, CancellationToken.None));
    }

    [Fact]
    public void Groups_of_an_account_are_its_own_and_those_that_list_it()
    {
        using var host = FakeHost.Hybrid();
        host.Write("/etc/group", "kvm:x:106:ada,teacher\nother:x:107:ada\nbad line\n");

        Assert.Equal([106u, 1234u], HostAccounts.GroupsOf(new HostAccount("teacher", 1234, 1234, "/"), host.Root).Order());
    }

    [Fact]
    public void A_file_of_proc_is_read_although_it_has_no_length()
    {
        Assert.Equal(File.ReadAllText("/proc/self/status").Split('\n')[0], HostRoot.Real.Lines("/proc/self/status")[0]);
        Assert.Null(HostRoot.Real.TryRead("/proc/no-such-file"));
        Assert.Equal(FileKind.CharacterDevice, HostRoot.Real.TryStatus("/dev/null")?.Kind);
    }
}
