using System.Text;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Sandboxes;
using Contingious.Engine.Storage;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>Files that cross between the agent and a hostile clone.</summary>
[Trait("Needs", "keeper")]
public sealed class SandboxFilesTests(EngineFixture fixture)
{
    [Fact]
    public async Task Files_go_in_and_come_out()
    {
        var report = await fixture.RunAsync(
            ["sh", "-c", "./tool <data/in.txt >out.txt && id -u"],
            job: request => request with
            {
                Files = [new InputFile("tool", "#!/bin/sh\ntr a-z A-Z\n"u8.ToArray(), Executable: true), new InputFile("data/in.txt", "hello"u8.ToArray())],
                Outputs = ["*.txt", "none*"],
            });
        Assert.Equal(Outcome.Ok, report.Outcome);
        Assert.Equal("1000\n", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
        Assert.Collection(
            report.Outputs,
            output => Assert.Equal(("/work/out.txt", OutputStatus.Returned, "HELLO"), (output.Path, output.Status, Encoding.UTF8.GetString(output.Content.Span))),
            output => Assert.Equal(("none*", OutputStatus.Missing), (output.Path, output.Status)));
    }

    [Fact]
    public async Task Arguments_variables_and_paths_arrive_whatever_bytes_they_are()
    {
        var strange = NativeText.Of([0xff, (byte)'\'', (byte)'"', (byte)' ', (byte)'$', (byte)'\n', 0xc3, (byte)'\\', 0x1b]);
        var report = await fixture.RunAsync(
            ["sh", "-c", "printf %s \"$1\" >out; printf %s \"$V\" >>out; cat \"$1\" >>out; printf %s \"${PWD##*/}\" >>out; cp out \"$1.out\"", "sh", strange],
            step => step with { Env = new Dictionary<string, string> { ["V"] = strange }, WorkingDirectory = $"/tmp/{strange}" },
            request => request with { Files = [new InputFile($"/tmp/{strange}/{strange}", NativeText.Bytes(strange))], Outputs = ["/tmp/*/out", $"/tmp/{strange}/{strange}.out"] });
        Assert.Equal((Outcome.Ok, ""), (report.Outcome, report.Message));
        var bytes = NativeText.Bytes(strange);
        byte[] all = [.. bytes, .. bytes, .. bytes, .. bytes];
        Assert.Equal(2, report.Outputs.Count);
        Assert.All(report.Outputs, output => Assert.Equal(all, output.Content.ToArray()));
        Assert.Equal<byte>([.. "/tmp/"u8, .. bytes, .. "/"u8, .. bytes, .. ".out"u8], report.Outputs[1].RawPath.ToArray());
    }

    [Fact]
    public async Task Standard_input_reaches_the_program_and_one_that_does_not_read_it_is_no_fault()
    {
        var content = Encoding.UTF8.GetBytes(new string('x', 300_000));
        var reader = await fixture.RunAsync(["wc", "-c"], step => step with { Stdin = content });
        Assert.Equal("300000", Encoding.UTF8.GetString(reader.Steps[0].Stdout.Span).Trim());
        var other = await fixture.RunAsync(["true"], step => step with { Stdin = content });
        Assert.Equal(Outcome.Ok, other.Outcome);
    }

    [Theory]
    [InlineData("../../x")]
    [InlineData("a/../../x")]
    [InlineData("/etc/../../x")]
    [InlineData("a\0b")]
    [InlineData("")]
    [InlineData(".")]
    public async Task A1_A_path_that_leaves_the_clone_is_refused(string path)
    {
        var report = await fixture.RunAsync(["true"], job: request => request with { Files = [new InputFile(path, "x"u8.ToArray())] });
        Assert.Equal((Outcome.RejectedSpec, "files[0].path"), (report.Outcome, report.Field));
        Assert.Empty(report.Steps);
    }

    [Theory]
    [InlineData("/bin/tool")]
    [InlineData("/usr//./bin/tool")]
    [InlineData("/dev/shm/x")]
    [InlineData("/proc/x")]
    [InlineData("/.contingious/init")]
    public async Task A_file_that_a_mount_would_hide_is_refused(string path)
    {
        var report = await fixture.RunAsync(["true"], job: request => request with { Files = [new InputFile(path, "x"u8.ToArray())] });
        var isHidden = TestedEngine.IsSplit || !path.Contains("bin", StringComparison.Ordinal);
        Assert.Equal(isHidden ? (Outcome.RejectedSpec, "files[0].path") : (Outcome.Ok, ""), (report.Outcome, report.Field));
    }

    [Theory]
    [InlineData("/usr/bin", Outcome.Ok)]
    [InlineData("/work/new/directory", Outcome.Ok)]
    [InlineData("/proc/self/fd/7", Outcome.RejectedSpec)]
    [InlineData("work", Outcome.RejectedSpec)]
    [InlineData("/work/../..", Outcome.RejectedSpec)]
    public async Task A9_A_working_directory_is_a_place_in_the_rootfs(string directory, Outcome expected)
    {
        var report = await fixture.RunAsync(["pwd"], step => step with { WorkingDirectory = directory });
        Assert.Equal(expected, report.Outcome);
        if (expected == Outcome.Ok) Assert.Equal($"{directory}\n", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
        else Assert.Equal("steps[0].cwd", report.Field);
    }

    [Fact]
    public async Task A3_Links_fifos_and_sockets_are_reported_and_never_read()
    {
        var report = await fixture.RunAsync(
            ["sh", "-c", "ln -s /etc/passwd link; ln -s /proc/self/environ env; mkfifo fifo; mkdir dir; ln -s /etc dir/etc; echo ok >ok"],
            job: request => request with { Outputs = ["link", "env", "fifo", "dir", "dir/etc/passwd", "ok"] });
        Assert.Equal(Outcome.Ok, report.Outcome);
        Assert.Equal(
            [
                ("/work/link", OutputStatus.NotRegular), ("/work/env", OutputStatus.NotRegular), ("/work/fifo", OutputStatus.NotRegular),
                ("/work/dir", OutputStatus.NotRegular), ("dir/etc/passwd", OutputStatus.Missing), ("/work/ok", OutputStatus.Returned),
            ],
            report.Outputs.Select(output => (output.Path, output.Status)));
        Assert.All(report.Outputs.Where(output => output.Status != OutputStatus.Returned), output => Assert.Equal(0, output.Content.Length));
    }

    [Fact]
    public async Task A_step_s_files_replace_what_an_earlier_step_left_there()
    {
        var report = await fixture.RunAsync(
            ["sh", "-c", "ln -s /etc/passwd check.sh"],
            job: request => request with
            {
                Steps = [.. request.Steps, new StepRequest { Name = "check", Args = ["sh", "check.sh"], Files = [new InputFile("check.sh", "echo checked"u8.ToArray())] }],
            });
        Assert.Equal(Outcome.Ok, report.Outcome);
        Assert.Equal("checked\n", Encoding.UTF8.GetString(report.Steps[1].Stdout.Span));
    }

    [Fact]
    public async Task A_link_in_place_of_a_directory_is_not_followed_when_files_are_put_in()
    {
        var report = await fixture.RunAsync(
            ["sh", "-c", "ln -s /tmp sub"],
            job: request => request with { Steps = [.. request.Steps, new StepRequest { Name = "check", Args = ["ls", "/tmp"], Files = [new InputFile("sub/x", "x"u8.ToArray())] }] });
        Assert.Equal((Outcome.NonZeroExit, Blame.Student), (report.Outcome, report.Outcome.Blame()));
        Assert.Contains("steps[1].files[0].path", report.Message);
        Assert.Null(report.Steps[1].ExitCode);
    }

    [Theory]
    [InlineData("/proc/check")]
    [InlineData("../../check")]
    public async Task A_wrong_path_of_a_later_step_is_the_job_s_fault_and_found_before_anything_runs(string path)
    {
        var report = await fixture.RunAsync(["true"], job: request => request with { Steps = [.. request.Steps, new StepRequest { Name = "check", Args = ["true"], Files = [new InputFile(path, "x"u8.ToArray())] }] });
        Assert.Equal((Outcome.RejectedSpec, "steps[1].files[0].path"), (report.Outcome, report.Field));
        Assert.Empty(report.Steps);
    }

    [Fact]
    public async Task A_full_disk_that_keeps_the_next_step_s_files_out_is_the_earlier_step_s_doing()
    {
        var limits = Limits.Default with { Disk = ByteSize.FromMiB(1) };
        var report = await fixture.RunAsync(
            ["sh", "-c", "cat /dev/zero >big; exit 0"],
            step => step with { Limits = limits },
            request => request with { Steps = [.. request.Steps, new StepRequest { Name = "check", Args = ["true"], Files = [new InputFile("check", new byte[10_000])] }] });
        Assert.Equal(Outcome.DiskLimit, report.Outcome);
    }

    [Fact]
    public async Task Files_that_do_not_fit_the_disk_limit_are_the_job_s_own_fault()
    {
        var report = await fixture.RunAsync(
            ["true"],
            step => step with { Limits = Limits.Default with { Disk = ByteSize.FromKiB(64) } },
            request => request with { Files = [new InputFile("big", new byte[1 << 20])] });
        Assert.Equal((Outcome.RejectedSpec, "limits.disk_bytes"), (report.Outcome, report.Field));
    }

    [Theory]
    [InlineData("dev", "/dev")]
    [InlineData("usr", "/usr/lib")]
    public async Task V1_A_mount_point_that_is_reached_by_a_link_is_refused(string link, string destination)
    {
        using var place = await SandboxPlace.MakeAsync(fixture);
        using var lease = new ImageStore(place.Layout.ImagesDirectory).Lease(EngineFixture.ImageName);
        using var disk = JobDisk.Create(place.Layout, place.Directory, DiskPolicy.Default, Limits.Default.Disk, Limits.Default.Inodes);
        using var clone = RootfsClone.Create(place.Layout, disk, place.Directory, "rootfs-0", lease.Image, 0, TestContext.Current.CancellationToken);
        var input = new InputFiles(clone, new Dictionary<string, string>(), 0, new ContainerUser(0, 0, null), "/work", []);
        input.RequireMountPoints(["/dev", "/proc"]);
        Directory.CreateDirectory($"{clone.RootfsDirectory}/outside/lib");
        if (Directory.Exists($"{clone.RootfsDirectory}/{link}")) Directory.Delete($"{clone.RootfsDirectory}/{link}", recursive: true);
        File.CreateSymbolicLink($"{clone.RootfsDirectory}/{link}", "/outside");
        var refused = Assert.Throws<RejectedRequestException>(() => input.RequireMountPoints([destination]));
        Assert.Contains(destination, refused.Message);
    }

    [Fact]
    public async Task The_steps_of_a_job_share_files_and_nothing_else()
    {
        var report = await fixture.RunAsync(
            ["sh", "-c", "echo kept >file; sleep 1000 & sleep 1000 & exit 0"],
            job: request => request with { Steps = [.. request.Steps, new StepRequest { Name = "next", Args = ["sh", "-c", "cat file; ps | grep -c '[s]leep'"] }] });
        Assert.Equal("kept\n0\n", Encoding.UTF8.GetString(report.Steps[1].Stdout.Span));
    }

    [Fact]
    public async Task The_next_job_sees_nothing_of_the_last_one()
    {
        await fixture.ShellAsync("echo secret >/work/left; echo secret >/tmp/left; echo secret >/dev/shm/left");
        var report = await fixture.ShellAsync("ls -A /work /tmp /dev/shm");
        Assert.DoesNotContain("left", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
    }

    [Fact]
    public async Task What_is_read_only_stays_so_even_for_the_container_s_root()
    {
        var report = await fixture.RunAsync(
            ["sh", "-c", "touch /bin/x; rm /bin/sh; mount -o remount,rw /bin; chmod 777 /bin; touch /.contingious/x; ls /bin/x"],
            job: request => request with { Root = true });
        Assert.Equal(TestedEngine.IsSplit ? "" : "/bin/x\n", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span));
        var again = await fixture.ShellAsync("ls /bin/x /.contingious/x; true");
        Assert.Empty(Encoding.UTF8.GetString(again.Steps[0].Stdout.Span));
    }
}
