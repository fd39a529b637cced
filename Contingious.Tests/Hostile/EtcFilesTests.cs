using System.Text;
using Contingious.Engine.Model;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>What a sandbox finds in /etc, over ordinary images and over hostile ones.</summary>
[Trait("Needs", "keeper")]
public sealed class EtcFilesTests(EngineFixture fixture)
{
    private const string Probe = "id -un; id -gn; hostname; cat /etc/hostname; grep -c localhost /etc/hosts; grep -c nameserver /etc/resolv.conf; cat ~/x 2>/dev/null; true";

    [Fact]
    public async Task The_job_s_user_has_a_name_and_the_sandbox_one_too()
    {
        var report = await fixture.ShellAsync(Probe);
        Assert.Equal("student\nstudent\nsandbox\nsandbox\n2\n0\n", Text(report));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("sandbox")]
    public async Task Its_names_resolve_without_a_network(string name)
    {
        var report = await fixture.ShellAsync($"(while :; do echo hello | nc -l -p 5000; done >/dev/null 2>&1) & n=0; until nc {name} 5000 </dev/null | grep hello || [ $n -gt 50 ]; do sleep 0.1; n=$((n + 1)); done");
        Assert.Equal("hello\n", Text(report));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_image_that_says_nothing_gets_all_of_it_whether_etc_is_editable_or_not(bool editable)
    {
        using var image = await HostileImage.ImportAsync(fixture, new TarBuilder().Directory("work"), editable ? ["/work", "/etc"] : ["/work"]);
        Assert.Equal(!editable, image.Image.ReadOnlyMounts.Contains("/etc"));
        var report = await image.ShellAsync($"{Probe}; ls -l /etc/passwd; echo x >>/etc/hosts && echo wrote");
        var lines = Text(report).Split('\n');
        Assert.Equal(["student", "student", "sandbox", "sandbox", "2", "0"], lines[..6]);
        Assert.StartsWith("-rw-r--r--    1 root     root", lines[6], StringComparison.Ordinal);
        Assert.DoesNotContain("wrote", lines);
        var root = await image.ShellAsync("id -un; echo x >>/etc/hosts && echo wrote", job: request => request with { Root = true });
        Assert.Equal(editable || !TestedEngine.IsSplit ? "root\nwrote\n" : "root\n", Text(root));
    }

    [Fact]
    public async Task The_users_of_all_steps_have_names_and_the_image_s_own_keep_theirs()
    {
        var passwd = "root:x:0:0:root:/root:/bin/sh\nstudent:x:500:500::/:/bin/sh\ntutor:x:2000:2000:Tutor:/home/tutor:/bin/sh"u8.ToArray();
        using var image = await HostileImage.ImportAsync(fixture, new TarBuilder().Directory("work").Directory("etc").File("etc/passwd", Encoding.UTF8.GetString(passwd)), ["/work"]);
        string[] users = ["1000", "tutor", "0", "3000:4000", "65534"];
        var report = await fixture.RunAsync([], job: request => request with
        {
            Image = image.Image.Id.ToString(),
            Root = true,
            Steps = [.. users.Select(user => new StepRequest { Name = user, User = user, Args = ["sh", "-c", "id -un; id -gn"] })],
        });
        Assert.Equal(["user1000\nstudent\n", "tutor\ngroup2000\n", "root\nroot\n", "user3000\ngroup4000\n", "nobody\nnogroup\n"], report.Steps.Select(step => Encoding.UTF8.GetString(step.Stdout.Span)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task B9_Links_in_etc_are_replaced_and_lead_nowhere(bool editable)
    {
        using var sentinel = new Sentinel();
        var contents = new TarBuilder().Directory("work").Directory("run").Directory("etc")
            .Symlink("etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf").Symlink("etc/passwd", $"{sentinel.Directory}/passwd").Symlink("etc/hostname", "/proc/sys/kernel/hostname")
            .Directory("usr").File("usr/group", "graders:x:77:\n").Symlink("etc/group", "../usr/group").Directory("etc/hosts");
        using var image = await HostileImage.ImportAsync(fixture, contents, editable ? ["/work", "/run", "/etc"] : ["/work", "/run"]);
        Assert.Equal(5, image.Warnings.Count(warning => warning.Contains("is replaced by", StringComparison.Ordinal)));
        var report = await image.ShellAsync($"{Probe}; grep -c graders /etc/group; cat /etc/passwd; ls -A /run");
        Assert.StartsWith("student\nstudent\nsandbox\nsandbox\n2\n0\n1\nroot:x:0:0:root:/root:/bin/sh\nstudent:x:1000:1000:student:/work:/bin/sh\nnobody:", Text(report), StringComparison.Ordinal);
        sentinel.AssertUntouched(report);
    }

    [Fact]
    public async Task B9_A_huge_passwd_is_not_read_and_a_numeric_user_still_works()
    {
        using var image = await HostileImage.ImportAsync(fixture, new TarBuilder().Directory("work").Directory("etc").File("etc/passwd", new string('#', 3 << 20)), ["/work"]);
        Assert.Equal("student\n", Text(await image.ShellAsync("id -un")));
        var named = await image.ShellAsync("id -un", step: step => step with { User = "tutor" });
        Assert.Equal((Outcome.RejectedSpec, "steps[0].user"), (named.Outcome, named.Field));
    }

    [Fact]
    public async Task B9_An_etc_that_is_a_link_becomes_a_directory()
    {
        using var sentinel = new Sentinel();
        using var image = await HostileImage.ImportAsync(fixture, new TarBuilder().Directory("work").Symlink("etc", sentinel.Directory), ["/work", "/etc"]);
        Assert.Equal("student\n", Text(await image.ShellAsync("id -un")));
        sentinel.AssertUntouched();
    }

    [Fact]
    public async Task What_the_sandbox_gets_is_not_charged_to_the_job()
    {
        using var image = await HostileImage.ImportAsync(fixture, new TarBuilder().Directory("work"), ["/work", "/etc"]);
        var report = await image.ShellAsync("id -un", step: step => step with { Limits = Limits.Default with { Disk = ByteSize.Zero, Inodes = 0 } }, job: request => request with { Limits = Limits.Default with { Disk = ByteSize.Zero, Inodes = 0 } });
        Assert.Equal("student\n", Text(report));
        Assert.Equal(0, report.Steps[0].Evidence.DiskUsedBytes);
    }

    private static string Text(RunReport report) => Encoding.UTF8.GetString(report.Steps[0].Stdout.Span);
}
