using Contingious.Engine.Host;
using Contingious.Engine.Host.Checks;
using Contingious.Engine.Model;

namespace Contingious.Tests.Host;

public sealed class RuntimeChecksTests
{
    [Theory]
    [InlineData("1.1.5", new[] { Severity.Warning, Severity.Notice, Severity.Warning })]
    [InlineData("1.1.15", new[] { Severity.Warning, Severity.Notice })]
    [InlineData("1.2.7", new[] { Severity.Warning, Severity.Notice })]
    [InlineData("1.2.8", new[] { Severity.Notice })]
    [InlineData("1.3.2", new[] { Severity.Warning, Severity.Notice })]
    [InlineData("1.3.3", new[] { Severity.Notice })]
    [InlineData("1.3.6", new Severity[0])]
    [InlineData("1.4.2", new[] { Severity.Notice })]
    [InlineData("1.4.3", new Severity[0])]
    [InlineData("1.5.1", new Severity[0])]
    [InlineData("2.0", new Severity[0])]
    public void What_is_known_of_a_version_of_runc_is_told(string version, Severity[] expected) =>
        Assert.Equal(expected, KnownWeaknesses.Of("runc", Version.Parse(version)).Select(finding => finding.Severity));

    [Fact]
    public void What_a_distribution_may_have_mended_is_not_said_for_sure() =>
        Assert.All(KnownWeaknesses.Of("runc", new Version(1, 1, 5)).Where(finding => finding.Severity == Severity.Warning), finding => Assert.Contains("A distribution may have mended it", finding.Message));

    [Fact]
    public async Task The_runtime_that_is_configured_must_be_there_and_the_other_one_need_not()
    {
        using var host = FakeHost.Unified();
        host.InstallPrograms();

        Assert.Contains(Examine(host, RuntimeKind.Runc), finding => finding is { Severity: Severity.Fatal, Remedy: "sudo apt-get install runc" });
        Assert.DoesNotContain(Examine(host, RuntimeKind.Crun), finding => finding.Check == "programs" && finding.Severity == Severity.Fatal);
        Assert.Contains(Examine(host, RuntimeKind.Crun), finding => finding.Severity == Severity.Ok && finding.Message.EndsWith("/usr/bin/crun runs the containers, as configured.", StringComparison.Ordinal));

        File.Move(host.At("/usr/bin/crun"), host.At("/usr/bin/runc"));
        Assert.Contains(Examine(host, RuntimeKind.Crun), finding => finding is { Severity: Severity.Fatal, Remedy: "sudo apt-get install crun" });
        Assert.DoesNotContain(Examine(host, RuntimeKind.Runc), finding => finding.Check == "programs" && finding.Severity == Severity.Fatal);

        // Where it is not known what is configured, either will do.
        Assert.DoesNotContain((await host.DoctorAsync()).Examine(), finding => finding.Check == "programs" && finding.Severity == Severity.Fatal);
    }

    [Fact]
    public void Runc_on_a_host_with_cgroup_v1_is_fatal_and_names_the_way_out()
    {
        using var host = FakeHost.Hybrid();
        host.InstallPrograms();
        host.Write("/usr/bin/runc", "");

        Assert.Contains(Examine(host, RuntimeKind.Runc), finding => finding is { Severity: Severity.Fatal, Message: "runc runs containers on cgroup v2 alone, and this host has v1." } && finding.Remedy.StartsWith("set \"runtime\": \"crun\"", StringComparison.Ordinal));
        Assert.DoesNotContain(Examine(host, RuntimeKind.Crun), finding => finding.Message.Contains("v2 alone", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_known_against_a_runtime_that_is_not_used_here_is_left_out()
    {
        using var host = FakeHost.Unified();
        foreach (var (name, version) in new[] { ("crun", "crun version 1.28"), ("runc", "runc version 1.1.5+ds1") })
        {
            host.Write($"/usr/bin/{name}", $"#!/bin/sh\necho {version}\n");
            File.SetUnixFileMode(host.At($"/usr/bin/{name}"), (UnixFileMode)0x1ED);
        }

        var byCrun = await new Doctor(host.Root, "contingious", null) { Runtime = RuntimeKind.Crun }.ExamineAsync(CancellationToken.None);
        var byRunc = await new Doctor(host.Root, "contingious", null) { Runtime = RuntimeKind.Runc }.ExamineAsync(CancellationToken.None);

        Assert.Contains(byCrun, finding => finding is { Check: "versions", Severity: Severity.Ok, Message: "runc is version 1.1.5." });
        Assert.DoesNotContain(byCrun, finding => finding.Message.Contains("CVE", StringComparison.Ordinal));
        Assert.Contains(byRunc, finding => finding.Message.Contains("CVE-2024-21626", StringComparison.Ordinal));
    }

    private static IReadOnlyList<Finding> Examine(FakeHost host, RuntimeKind runtime) => new Doctor(host.Root, "contingious", null) { Runtime = runtime }.Examine();
}
