using System.Globalization;
using Contingious.Engine.Host;

namespace Contingious.Tests.Host;

/// <summary>How systemd is asked for the scope of a command. That it answers is tried in the virtual machine.</summary>
public sealed class CgroupScopeTests
{
    private static readonly HostAccount ada = new("ada", 1000, 1001, "/home/ada");

    [Fact]
    public void An_account_asks_its_own_systemd_for_a_delegated_scope_around_its_process()
    {
        var properties = Properties([.. new CgroupScope(ada, isOfHost: false).ForBusctl(4321)], "--user");
        Assert.Equal(["1", "4321"], properties["PIDs"]);
        Assert.Equal(["true"], properties["Delegate"]);
        Assert.DoesNotContain("User", properties.Keys);
    }

    [Fact]
    public void Root_has_the_scope_handed_to_the_account()
    {
        var properties = Properties([.. new CgroupScope(ada, isOfHost: true).ForBusctl(4321)], "--system");
        Assert.Equal(["1000"], properties["User"]);
        Assert.Equal(["1001"], properties["Group"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Both_ways_ask_for_the_same(bool isOfHost)
    {
        var scope = new CgroupScope(ada, isOfHost);
        List<string> run = [.. scope.ForSystemdRun()];
        List<string> bus = [.. scope.ForBusctl(1)];
        Assert.Contains($"--unit={bus[7]}", run);
        Assert.Contains("--property=Delegate=yes", run);
        Assert.Equal(isOfHost, run.Contains("--property=User=1000"));
        Assert.Equal(!isOfHost, run.Contains("--user"));
        Assert.Equal("--", run[^1]);
    }

    [Fact]
    public void No_two_scopes_have_one_name()
    {
        Assert.NotEqual(new CgroupScope(ada, isOfHost: false).ForBusctl(1), new CgroupScope(ada, isOfHost: false).ForBusctl(1));
    }

    // As busctl(1) reads them: a name and a mode, how many properties there are, each by its name, its type and its value; and the same for auxiliary units.
    private static Dictionary<string, List<string>> Properties(List<string> words, string bus)
    {
        Assert.Equal([bus, "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))"], words[..7]);
        Assert.Matches("^contingious-[0-9a-f]{8}[.]scope$", words[7]);
        Assert.Equal("fail", words[8]);
        var properties = new Dictionary<string, List<string>>();
        var next = 10;
        for (var left = int.Parse(words[9], CultureInfo.InvariantCulture); left > 0; left--)
        {
            var length = words[next + 1] == "au" ? 1 + int.Parse(words[next + 2], CultureInfo.InvariantCulture) : 1;
            properties.Add(words[next], words[(next + 2)..(next + 2 + length)]);
            next += 2 + length;
        }

        Assert.Equal(["0"], words[next..]);
        return properties;
    }
}
