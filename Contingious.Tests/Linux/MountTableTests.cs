using Contingious.Engine.Linux;

namespace Contingious.Tests.Linux;

public sealed class MountTableTests
{
    [Fact]
    public void A_mount_s_place_is_read_whatever_is_in_its_name_and_what_it_lies_over_is_found()
    {
        var mounts = MountTable.Parse(
        [
            @"36 35 98:0 /images/sha256-ab/rootfs /mnt/with\040blank\134and\011tab\303\251 rw,noatime master:1 - ext3 /dev/root rw",
            "37 35 0:40 / /run/over rw - overlay overlay rw,lowerdir=/images/sha256-cd/shifted/1,upperdir=/u",
            "nonsense",
        ]);
        Assert.Equal(["/mnt/with blank\\and\ttabé", "/run/over"], mounts.Select(mount => mount.Target));
        Assert.Equal([true, false], mounts.Select(mount => mount.Mentions("/sha256-ab/")));
        Assert.Equal([false, true], mounts.Select(mount => mount.Mentions("/sha256-cd/")));
    }

    [Fact]
    public void What_means_something_in_an_overlay_s_options_is_escaped() =>
        Assert.Equal(@"/a\:b\,c\\d", Mounts.EscapeLower(@"/a:b,c\d"));
}
