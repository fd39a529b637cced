using System.Security.Cryptography;
using System.Text;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>What a submission leaves behind for the host to read, in the real place.</summary>
[Trait("Needs", "keeper")]
public sealed class ArtifactTests(EngineFixture fixture)
{
    [Fact]
    public async Task A3_A_link_to_a_secret_of_the_host_s_brings_nothing_out()
    {
        using var sentinel = new Sentinel();
        var report = await ShellAsync(
            $"ln -s {sentinel.Directory}/secret out; ln -s {sentinel.Directory} dir; mkdir d; ln -s ../../../../../..{sentinel.Directory} d/up; ln -s /proc/self/environ env; ln -s /proc/1/root root",
            "out", "dir", "dir/secret", "d/up/secret", "env", "root/etc/passwd", "**");
        Assert.All(report.Outputs, output => Assert.Contains(output.Status, new[] { OutputStatus.NotRegular, OutputStatus.Missing }));
        Assert.Equal(["/work/out", "/work/dir", "dir/secret", "d/up/secret", "/work/env", "root/etc/passwd", "/work/d/up", "/work/root"], report.Outputs.Select(output => output.Path));
        sentinel.AssertUntouched(report);
    }

    [Fact]
    public async Task A4_A_directory_that_is_swapped_for_a_link_a_thousand_times_is_read_only_once_the_swapper_is_dead()
    {
        using var sentinel = new Sentinel();
        var report = await ShellAsync(
            $$"""
            mkdir d; echo own >d/passwd; echo own >d/secret
            (n=0; while :; do mv d e; ln -s {{sentinel.Directory}} d; rm d; mv e d; n=$((n + 1)); echo $n >n; done) &
            until [ "$(cat n)" -ge 1000 ]; do sleep 0.1; done 2>/dev/null
            """,
            limits => limits with { CpuTime = TimeSpan.FromSeconds(100), WallTime = TimeSpan.FromSeconds(100), Processes = 64 },
            "d/passwd", "d/secret", "*/passwd", "**");
        Assert.Equal(Outcome.Ok, report.Outcome);
        Assert.All(report.Outputs.Where(output => output.Path.EndsWith("/passwd", StringComparison.Ordinal) && output.Status == OutputStatus.Returned), output => Assert.Equal("own\n"u8.ToArray(), output.Content.ToArray()));
        Assert.InRange(int.Parse(Text(Assert.Single(report.Outputs, output => output.Path == "/work/n" || output.Path.EndsWith("/n", StringComparison.Ordinal)))), 1000, int.MaxValue);
        sentinel.AssertUntouched(report);
    }

    [Fact]
    public async Task A5_A_fifo_artifact_is_reported_and_never_waited_for()
    {
        var report = await ShellAsync("mkfifo out; mkdir d; mkfifo d/out").WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal([("/work/out", OutputStatus.NotRegular), ("/work/d/out", OutputStatus.NotRegular)], report.Outputs.Select(output => (output.Path, output.Status)).OrderByDescending(output => output.Path));
    }

    [Fact]
    public async Task A6_A_device_cannot_be_made()
    {
        var report = await ShellAsync("mknod null c 1 3; echo $? >status; mknod disk b 8 0");
        var output = Assert.Single(report.Outputs);
        Assert.Equal(("/work/status", "1\n"), (output.Path, Text(output)));
    }

    [Fact]
    public async Task A7_A_hard_link_to_a_file_of_the_image_cannot_be_made_and_one_within_the_clone_is_returned()
    {
        var report = await ShellAsync("ln /bin/busybox shared; echo $? >status; ln /etc/passwd passwd; echo own >out; ln out out2");
        Assert.Equal(["/work/out", "/work/out2", "/work/status"], report.Outputs.Select(output => output.Path));
        Assert.Equal(["own\n", "own\n", "1\n"], report.Outputs.Select(Text));
    }

    [Fact]
    public async Task A8_A_sparse_file_of_a_terabyte_costs_no_more_than_what_is_returned_of_it()
    {
        var report = await ShellAsync(
            "truncate -s 1T out || dd if=/dev/zero of=out bs=1 count=1 seek=1099511627775",
            limits => limits with { FileSize = ByteSize.FromGiB(2048), WallTime = TimeSpan.FromSeconds(20) },
            "out");
        var output = Assert.Single(report.Outputs);
        Assert.Equal((Outcome.Ok, OutputStatus.Returned, 1L << 40, 10 << 20, true), (report.Outcome, output.Status, output.Size, output.Content.Length, output.Truncated));
        Assert.Equal(SHA256.HashData(output.Content.Span), output.Sha256.ToArray());
        Assert.True(report.OutputsTruncated);
    }

    [Fact]
    public async Task A8_A_job_gets_no_more_back_than_it_asked_for()
    {
        var report = await fixture.RunAsync(
            ["sh", "-c", "for i in 1 2 3; do head -c 100 /dev/zero >$i; done"],
            job: request => request with { Outputs = ["*"], OutputLimits = new OutputLimits { FileBytes = new ByteSize(60), TotalBytes = new ByteSize(100), Files = 2 } });
        Assert.Equal([("/work/1", OutputStatus.Returned, 60), ("/work/2", OutputStatus.TooLarge, 0)], report.Outputs.Select(output => (output.Path, output.Status, output.Content.Length)));
        Assert.True(report.OutputsTruncated);
    }

    [Fact]
    public async Task A10_A_set_user_id_bit_gives_nobody_anything()
    {
        var first = new StepRequest { Name = "root", User = "0", WorkingDirectory = "/tmp", Args = ["sh", "-c", "cp /bin/busybox id; chown 0:0 id; chmod 6755 id; ls -l id"] };
        var second = new StepRequest { Name = "student", User = "1000", WorkingDirectory = "/tmp", Args = ["sh", "-c", "./id -u; grep ' / ' /proc/mounts | grep -c nosuid; grep NoNewPrivs /proc/self/status"] };
        var report = await fixture.RunAsync([], job: request => request with { Root = true, Steps = [first, second] });
        Assert.Contains("-rwsr-sr-x", Text(report.Steps[0].Stdout), StringComparison.Ordinal);
        Assert.Equal("1000\n1\nNoNewPrivs:\t1\n", Text(report.Steps[1].Stdout));
    }

    [Fact]
    public async Task A11_Names_that_a_terminal_would_obey_come_back_escaped()
    {
        var report = await ShellAsync("touch \"$(printf 'a\\033]0;pwn\\007b')\" \"$(printf 'x\\ny')\" \"$(printf 'z\\377')\"");
        Assert.Equal([@"/work/a\x1b]0;pwn\x07b", @"/work/x\x0ay", @"/work/z\xff"], report.Outputs.Select(output => output.Path));
        Assert.Equal([(byte)'/', (byte)'w', (byte)'o', (byte)'r', (byte)'k', (byte)'/', (byte)'z', 0xff], report.Outputs[2].RawPath.ToArray());
    }

    [Fact]
    public async Task A12_A_tree_of_any_depth_in_the_place_of_a_step_s_file_is_replaced_by_it()
    {
        var check = new StepRequest { Name = "check", Args = ["sh", "check.sh"], Files = [new InputFile("check.sh", "echo checked"u8.ToArray())] };
        var report = await fixture.RunAsync(
            ["sh", "-c", "mkdir check.sh; cd check.sh; i=0; while mkdir d 2>/dev/null; do cd -P ./d 2>/dev/null || cd d; i=$((i + 1)); done; echo $i; exit 0"],
            step => step with { Limits = Limits.Default with { Inodes = 600, CpuTime = TimeSpan.FromSeconds(60), WallTime = TimeSpan.FromSeconds(60) } },
            request => request with { Steps = [.. request.Steps, check] });
        Assert.Equal((Outcome.Ok, 2), (report.Outcome, report.Steps.Count));
        Assert.InRange(int.Parse(Text(report.Steps[0].Stdout)), 500, 700);
        Assert.Equal("checked\n", Text(report.Steps[1].Stdout));
    }

    private Task<RunReport> ShellAsync(string script, params string[] outputs) => ShellAsync(script, limits => limits, outputs);

    private Task<RunReport> ShellAsync(string script, Func<Limits, Limits> limits, params string[] outputs) => fixture.RunAsync(
        ["sh", "-c", script],
        step => step with { Limits = limits(Limits.Default) },
        request => request with { Outputs = outputs.Length > 0 ? outputs : ["**"] });

    private static string Text(OutputFile output) => Text(output.Content);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
