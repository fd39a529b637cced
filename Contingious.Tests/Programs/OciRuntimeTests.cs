using Contingious.Engine;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Programs;

public sealed class OciRuntimeTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("contingious-runtime-").FullName;

    [Fact]
    public void A_container_s_first_process_is_found_in_either_runtime_s_own_state()
    {
        Write("c/status", """{"pid": 12, "process-start-time": 345, "cgroup-path": ""}""");
        Write("c/state.json", """{"id": "c", "init_process_pid": 67, "init_process_start": 890, "cgroup_paths": {}}""");

        Assert.Equal(new ProcessIdentity(12, 345), new Crun(directory).FindProcess("c"));
        Assert.Equal(new ProcessIdentity(67, 890), new Runc(directory).FindProcess("c"));
        Assert.Null(new Runc(directory).FindProcess("other"));
    }

    [Fact]
    public void State_that_is_not_written_to_its_end_is_no_process()
    {
        Write("c/state.json", "{\"id\": \"c\", \"init_pro");
        Write("c/status", "{}");

        Assert.Null(new Runc(directory).FindProcess("c"));
        Assert.Null(new Crun(directory).FindProcess("c"));
    }

    [Fact]
    public void Only_errors_of_runc_s_log_are_complaints()
    {
        Write("log", """
            {"level":"warning","msg":"this is nothing","time":"2026-01-01T00:00:00Z"}
            {"level":"error","msg":"container_linux.go: cannot pivot","time":"2026-01-01T00:00:00Z"}
            """);

        Assert.Equal("container_linux.go: cannot pivot", new Runc(directory).ReadLog($"{directory}/log"));
        Assert.Equal("", new Runc(directory).ReadLog($"{directory}/none"));

        // The shell that was to become runc writes no JSON.
        Write("log", "cannot join /sys/fs/cgroup/x/cgroup.procs\n");
        Assert.Equal("cannot join /sys/fs/cgroup/x/cgroup.procs", new Runc(directory).ReadLog($"{directory}/log"));
    }

    [Fact]
    public void Crun_lives_in_the_step_s_cgroup_and_makes_none()
    {
        var (crun, job) = (new Crun(directory), CgroupV2.Delegated("/sys/fs/cgroup/unit/ctg-a-1"));

        Assert.Null(crun.CgroupsPath(job, "step-0"));
        Assert.Equal("ctg-a-1", Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(crun.SessionsOf(job, "step-0").Child("exec-1").JoinFiles[0]))));
        Assert.Contains("--cgroup-manager=disabled", crun.Run("/init", "c", "/b", ["/p"], "/g", "/l").Args);
        Assert.Equal(2, crun.OwnProcesses);
    }

    [Fact]
    public void Runc_has_cgroups_beside_the_step_s_and_a_further_command_is_named_below_its_own()
    {
        var (runc, job) = (new Runc(directory), CgroupV2.Delegated("/sys/fs/cgroup/unit/ctg-a-1"));
        var session = runc.SessionsOf(job, "step-0").Child("exec-1");

        Assert.Equal("/unit/ctg-a-1/runtime/step-0", runc.CgroupsPath(job, "step-0"));
        Assert.Equal(["/sys/fs/cgroup/unit/ctg-a-1/runtime/step-0/exec-1/cgroup.procs"], session.JoinFiles);
        var exec = runc.Exec("c", "/process.json", session, terminal: null, isChild: false);
        Assert.Equal(["exec", "--cgroup", "exec-1", "--process", "/process.json", "c"], exec.Args.SkipWhile(word => word != "exec"));
        Assert.Equal("2", exec.Env["GOMAXPROCS"]);
        Assert.Equal(1, runc.OwnProcesses);
    }

    [Fact]
    public void Runc_is_refused_where_the_controllers_are_of_v1()
    {
        var runc = new Runc(directory);
        var mounts = CgroupV1.Controllers.ToDictionary(controller => controller, controller => $"/sys/fs/cgroup/{controller}");

        Assert.Contains("Use crun", Assert.Throws<HostNotReadyException>(() => runc.RequireUsable(CgroupV1.OfAccount(mounts, "contingious"))).Message);
        Assert.Contains("mounted elsewhere", Assert.Throws<HostNotReadyException>(() => runc.RequireUsable(CgroupV2.Delegated("/mnt/cgroup/unit"))).Message);
        runc.RequireUsable(CgroupV2.Delegated("/sys/fs/cgroup/unit"));
        new Crun(directory).RequireUsable(CgroupV1.OfAccount(mounts, "contingious"));
    }

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{directory}/{path}") ?? "/");
        File.WriteAllText($"{directory}/{path}", content);
    }
}
