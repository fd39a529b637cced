using System.Diagnostics;
using Contingious.Engine.Host;
using Contingious.Tests.Support;

namespace Contingious.Tests.Host;

/// <summary>The units that setup writes, as systemd itself reads them where it is installed.</summary>
public sealed class SystemdUnitTests : IDisposable
{
    private static readonly HostLayout teacher = new(new HostAccount("teacher", 1234, 1234, "/home/teacher"));

    private readonly string directory = Directory.CreateTempSubdirectory("ctg-units-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData("/bin/true")]
    [InlineData("/tmp/a b%n/contingious")]
    public async Task Systemd_finds_nothing_wrong_with_the_units(string executable)
    {
        Prerequisite.Require(Engine.Programs.ProgramRunner.Find("systemd-analyze") is not null, "systemd-analyze");
        await VerifyAsync("contingious.service", SystemdFiles.Service(executable).Replace("User=contingious", "User=root", StringComparison.Ordinal), executable);
        await VerifyAsync("contingious-teacher.service", SystemdFiles.UserService(executable, teacher.Account), executable, "--user");
        await VerifyAsync("contingious.service", SystemdFiles.UserService(executable), executable, "--user");
    }

    [Fact]
    public void The_unit_for_every_account_starts_for_those_that_were_set_up()
    {
        Assert.Equal($"/run/{teacher.Name}".Replace("teacher", "%u", StringComparison.Ordinal), Value(SystemdFiles.UserService("/x"), "ConditionPathIsDirectory"));
        Assert.Equal("teacher", Value(SystemdFiles.UserService("/x", teacher.Account), "ConditionUser"));
    }

    [Fact]
    public void A_stop_waits_for_longer_than_the_agent_s_own_grace()
    {
        var timeout = Value(SystemdFiles.Service("/x"), "TimeoutStopSec");
        Assert.EndsWith("min", timeout, StringComparison.Ordinal);
        Assert.True(TimeSpan.FromMinutes(int.Parse(timeout[..^3], System.Globalization.CultureInfo.InvariantCulture)) > new Agent.Work.AgentOptions().Grace);
    }

    [Fact]
    public void All_units_signal_the_agent_alone_start_it_again_and_hear_from_it()
    {
        foreach (var unit in (string[])[SystemdFiles.Service("/opt/contingious"), SystemdFiles.UserService("/opt/contingious", teacher.Account), SystemdFiles.UserService("/opt/contingious")])
        {
            Assert.Equal("mixed", Value(unit, "KillMode"));
            Assert.Equal("""/bin/sh -c '"$$0" agent --show-config >/dev/null && kill -HUP "$$MAINPID"' /opt/contingious""", Value(unit, "ExecReload"));
            Assert.Equal("always", Value(unit, "Restart"));
            Assert.Equal("notify", Value(unit, "Type"));
            Assert.Equal("main", Value(unit, "NotifyAccess"));
            Assert.Equal("yes", Value(unit, "Delegate"));
            Assert.Equal("continue", Value(unit, "OOMPolicy"));
            Assert.Equal("/opt/contingious agent", Value(unit, "ExecStart"));
        }
    }

    [Fact]
    public void Nothing_in_them_keeps_newuidmap_from_its_work()
    {
        // Each implies NoNewPrivileges= where User= is set (systemd.exec(5)), or covers a part of /proc.
        string[] directives =
        [
            "NoNewPrivileges", "SystemCallFilter", "SystemCallArchitectures", "RestrictNamespaces", "RestrictSUIDSGID", "RestrictRealtime", "RestrictAddressFamilies", "PrivateDevices",
            "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectClock", "ProtectHostname", "ProtectProc", "ProcSubset", "ProtectControlGroups",
            "LockPersonality", "MemoryDenyWriteExecute", "DynamicUser", "PrivateUsers", "PrivateTmp",
        ];
        foreach (var unit in (string[])[SystemdFiles.Service("/x"), SystemdFiles.UserService("/x", teacher.Account), SystemdFiles.UserService("/x")])
        {
            Assert.DoesNotContain(unit.Split('\n'), line => directives.Any(directive => line.StartsWith($"{directive}=", StringComparison.Ordinal)));
        }
    }

    private static string Value(string unit, string directive) => Assert.Single(unit.Split('\n'), line => line.StartsWith($"{directive}=", StringComparison.Ordinal))[(directive.Length + 1)..];

    private async Task VerifyAsync(string name, string unit, string executable, params string[] options)
    {
        if (!File.Exists(executable))
        {
            // A program of that name, for systemd looks whether there is one.
            var place = $"{directory}{executable}";
            unit = unit.Replace("ExecStart=\"", $"ExecStart=\"{directory}", StringComparison.Ordinal);
            Directory.CreateDirectory(Path.GetDirectoryName(place)!);
            File.Copy("/bin/true", place, overwrite: true);
        }

        var path = $"{directory}/{name}";
        await File.WriteAllTextAsync(path, unit);
        using var verify = Process.Start(new ProcessStartInfo("systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", .. options, path]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var said = await verify.StandardError.ReadToEndAsync() + await verify.StandardOutput.ReadToEndAsync();
        await verify.WaitForExitAsync();
        var ours = said.Split('\n').Where(line => line.Contains(name, StringComparison.Ordinal)).ToList();
        Assert.True(ours.Count == 0, $"{string.Join('\n', ours)}\n{unit}");
    }
}
