using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Host;

public sealed class CgroupMountsTests
{
    [Fact]
    public void Hierarchies_are_found_wherever_they_are_mounted_and_with_whatever_controllers()
    {
        var mounts = CgroupMounts.Parse(
        [
            "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
            "32 31 0:29 / /cg/cpu,cpuacct rw,relatime shared:9 master:1 - cgroup cgroup rw,cpu,cpuacct",
            @"33 31 0:30 / /cg/my\040memory rw - cgroup cgroup rw,memory,clone_children,release_agent=/x",
            "34 31 0:31 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd",
            "41 31 0:38 / /cg/unified rw - cgroup2 cgroup2 rw,nsdelegate",
        ]);

        Assert.True(mounts.IsLegacy);
        Assert.Equal("/cg/cpu,cpuacct", mounts.HierarchyOf("cpuacct")?.Path);
        Assert.Equal("/cg/my memory", mounts.HierarchyOf("memory")?.Path);
        Assert.Equal(["memory"], mounts.HierarchyOf("memory")?.Controllers);
        Assert.Equal(["name=systemd"], mounts.All[2].Controllers);
        Assert.Equal("/cg/unified", mounts.Unified?.Path);
    }

    [Fact]
    public void A_second_mount_of_a_hierarchy_and_one_that_is_read_only_are_passed_over()
    {
        var mounts = CgroupMounts.Parse(
        [
            "32 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "90 31 0:29 /box /srv/box/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "33 31 0:30 / /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids",
            "a line that is none",
        ]);

        Assert.Equal(["/sys/fs/cgroup/memory"], mounts.All.Select(mount => mount.Path));
    }

    [Fact]
    public void A_v2_tree_with_only_systemds_own_v1_hierarchy_is_v2()
    {
        var mounts = CgroupMounts.Parse(["1 0 0:1 / /a rw - cgroup cgroup rw,name=systemd", "2 0 0:2 / /b rw - cgroup2 cgroup2 rw"]);

        Assert.False(mounts.IsLegacy);
    }
}
