using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Tests.Host;

namespace Contingious.Tests.Linux;

/// <summary>What is read from the files of cgroup v2 and what is written into them, on a directory that only looks like one. The kernel's own are in the virtual machine's tests.</summary>
public sealed class CgroupV2Tests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("contingious-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void A_child_with_limits_gets_them_all_and_its_parent_hands_the_controllers_on_first()
    {
        Write("cgroup.subtree_control", "memory\n");
        Write("job/memory.swap.max", "max\n");
        foreach (var place in new[] { "job", "job/step-0", "job/step-1" })
        {
            foreach (var file in new[] { "memory.max", "pids.max", "cpu.max" }) Write($"{place}/{file}", "max\n");
        }

        var job = CgroupV2.Delegated(directory).CreateChild("job", new CgroupLimits(1 << 20, 7, 0.5));
        Assert.Equal("+pids", Text("cgroup.subtree_control"));
        Assert.Equal(("1048576", "0", "7", "50000 100000"), (Text("job/memory.max"), Text("job/memory.swap.max"), Text("job/pids.max"), Text("job/cpu.max")));
        Assert.False(File.Exists($"{directory}/job/memory.oom.group"));
        Assert.Equal([$"{directory}/job/cgroup.procs"], job.JoinFiles);

        Write("job/cgroup.subtree_control", "cpu memory pids\n");
        Write("job/step-0/memory.oom.group", "0\n");
        _ = job.CreateChild("step-0", new CgroupLimits(1 << 20, 7, 1) { DieTogether = true });
        Assert.Equal("1", Text("job/step-0/memory.oom.group"));
        Assert.Equal("cpu memory pids\n", Text("job/cgroup.subtree_control"));
        Assert.False(File.Exists($"{directory}/job/step-0/memory.swap.max"));
        _ = job.CreateChild("step-1", new CgroupLimits(1 << 20, 7, 1) { DieTogether = true });
        Assert.False(File.Exists($"{directory}/job/step-1/memory.oom.group"));
    }

    [Fact]
    public void Counters_are_read_from_the_kernel_s_words()
    {
        Write("cpu.stat", "usage_usec 1500000\nuser_usec 1400000\nsystem_usec 100000\n");
        Write("memory.peak", "4096\n");
        Write("memory.current", "1024\n");
        Write("memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill 3\noom_group_kill 1\n");
        Write("memory.stat", "anon 1\nfile 2\nshmem 555\nshmem_thp 9\n");
        Write("pids.events", "max 4\n");
        Write("pids.peak", "6\n");
        var cgroup = CgroupV2.Delegated(directory);
        Assert.Equal(new CgroupCounters(TimeSpan.FromSeconds(1.5), 4096, 6, 3, 4), cgroup.Read());
        Assert.Equal((555, 3), (cgroup.ReadMemoryInFiles(), cgroup.ReadOomKills()));
        Assert.Null(cgroup.ReadStalls());
    }

    [Theory]
    [InlineData("max 12\noom 1\noom_kill 3\n", true)]
    [InlineData("max 12\noom 0\noom_kill 3\noom_group_kill 1\n", false)]
    public void A_kill_for_its_own_limit_is_told_from_one_for_the_want_of_memory_elsewhere(string events, bool own)
    {
        Write("memory.events", events);
        Assert.Equal(own, CgroupV2.Delegated(directory).HasMetMemoryLimit());
    }

    [Fact]
    public async Task What_has_no_pid_any_more_and_is_populated_still_is_waited_for()
    {
        Write("cgroup.procs", "");
        Write("cgroup.events", "populated 1\nfrozen 0\n");
        var cgroup = CgroupV2.Delegated(directory);
        Assert.False(await cgroup.KillAsync(spared: 0, TimeSpan.FromMilliseconds(50), TimeProvider.System));
        var killed = cgroup.KillAsync(spared: 0, TimeSpan.FromMinutes(1), TimeProvider.System);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.False(killed.IsCompleted);
        Write("cgroup.events", "populated 0\nfrozen 0\n");
        Assert.True(await killed);
    }

    [Fact]
    [Trait("Needs", "root")]
    public async Task What_is_removed_while_it_is_looked_at_has_nothing_left_to_kill()
    {
        RootOnly.Require();

        // A device of no driver cannot be opened for ENODEV, which is what a file of a cgroup says that was removed once the file was open.
        Write("cgroup.procs", "");
        await ProgramRunner.RequireAsync(new ProgramRequest("mknod", $"{directory}/cgroup.events", "c", "10", "254"), TestContext.Current.CancellationToken);
        Assert.Equal((int)Errno.ENODEV, Assert.Throws<IOException>(() => File.ReadAllText($"{directory}/cgroup.events")).HResult);
        var killed = CgroupV2.Delegated(directory).KillAsync(spared: 0, TimeSpan.FromMinutes(1), TimeProvider.System);
        await Task.Delay(50, TestContext.Current.CancellationToken);
        File.Delete($"{directory}/cgroup.events");
        Assert.True(await killed);
    }

    [Fact]
    [Trait("Needs", "root")]
    public async Task What_is_busy_for_a_moment_is_removed_a_moment_later()
    {
        RootOnly.Require();

        // A mount point is as busy as a cgroup with a process that is about to end.
        var busy = Directory.CreateDirectory($"{directory}/busy").FullName;
        await ProgramRunner.RequireAsync(new ProgramRequest("mount", "-t", "tmpfs", "none", busy), TestContext.Current.CancellationToken);
        var removed = CgroupV2.Delegated(directory).Child("busy").RemoveAsync();
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(removed.IsCompleted);
        await ProgramRunner.RequireAsync(new ProgramRequest("umount", busy), CancellationToken.None);
        await removed;
        Assert.False(Directory.Exists(busy));
    }

    [Fact]
    public void Stalls_are_the_totals_of_some_process()
    {
        foreach (var (resource, total) in new[] { ("cpu", 11), ("memory", 22), ("io", 33) })
        {
            Write($"{resource}.pressure", $"some avg10=0.00 avg60=0.00 avg300=0.00 total={total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
        }

        Assert.Equal(
            new StallTimes(TimeSpan.FromMicroseconds(11), TimeSpan.FromMicroseconds(22), TimeSpan.FromMicroseconds(33)),
            CgroupV2.Delegated(directory).ReadStalls());
    }

    [Fact]
    public void Where_the_kernel_keeps_no_peak_of_memory_the_highest_value_that_was_seen_stands_for_it()
    {
        foreach (var (file, content) in new[] { ("cpu.stat", "usage_usec 1\n"), ("memory.events", "oom_kill 0\n"), ("pids.events", "max 0\n") }) Write(file, content);
        var cgroup = CgroupV2.Delegated(directory);
        foreach (var current in new[] { 100, 900, 300 })
        {
            Write("memory.current", $"{current}\n");
            _ = cgroup.ReadCpuTime();
        }

        Assert.Equal((900, 0), (cgroup.Read().PeakMemoryBytes, cgroup.Read().PeakProcesses));
    }

    [Fact]
    public void A_counter_that_is_not_there_is_an_error_and_not_zero()
    {
        Assert.ThrowsAny<IOException>(() => CgroupV2.Delegated(directory).ReadOomKills());
    }

    [Fact]
    public async Task Pids_are_those_of_the_whole_tree_and_what_was_removed_has_none()
    {
        Write("cgroup.procs", "1\n2\n");
        Write("a/b/cgroup.procs", "3\n");
        var cgroup = CgroupV2.Delegated(directory);
        Assert.Equal([1, 2, 3], cgroup.Pids().Order());
        Assert.Equal(["a"], cgroup.ChildNames());
        Assert.Empty(cgroup.Child("gone").Pids());
        Assert.Empty(cgroup.Child("gone").ChildNames());
        await cgroup.Child("gone").RemoveAsync();
    }

    private void Write(string file, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName($"{directory}/{file}") ?? directory);
        File.WriteAllText($"{directory}/{file}", content);
    }

    private string Text(string file) => File.ReadAllText($"{directory}/{file}");
}
