using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Sandboxes;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>What is written into a sandbox's files of /etc.</summary>
public sealed class EtcContentTests
{
    [Fact]
    public void An_image_s_lines_stay_byte_for_byte_and_more_come_below_them()
    {
        var lines = new AccountLines([.. "root:x:0:0:r\u00f6\n# "u8, 0xff, .. "\nshort:x"u8]);
        Assert.True(lines.Has(0));
        lines.Add("a", 7, "b");
        Assert.Equal([.. "root:x:0:0:r\u00f6\n# "u8, 0xff, .. "\nshort:x\na:x:7:b\n"u8], lines.ToBytes());
        Assert.True(lines.Has(7));
    }

    [Fact]
    public void A_name_that_is_taken_is_not_given_again()
    {
        var lines = new AccountLines("student:x:1:1\nuser1000:x:2:2\n"u8);
        Assert.Equal("user1000-2", lines.Free("student", "user1000"));
        Assert.Equal("other", lines.Free("student", "other"));
    }

    [Fact]
    public void A_home_cannot_add_a_field_or_a_line()
    {
        var lines = new AccountLines([]);
        lines.Add("student", 1000, "1000", "student", "/wo\u00e9rk:0\nroot2:x:0:0::/:/bin/sh", "/bin/sh");
        Assert.Equal("student:x:1000:1000:student:/wo\u00e9rk_0_root2_x_0_0__/_/bin/sh:/bin/sh\n", Encoding.UTF8.GetString(lines.ToBytes()));
    }

    [Theory]
    [InlineData(true, "nameserver 10.0.2.3\n")]
    [InlineData(false, "# This sandbox has no network.\n")]
    public void A_sandbox_has_a_name_server_where_it_has_a_network(bool hasNetwork, string expected)
    {
        Privileges.NeedRoot();
        using var scratch = new ScratchDirectory();
        Directory.CreateDirectory(scratch["clone/etc"]);
        using var root = DirectoryHandle.Open(scratch["clone"]);
        var users = new[] { new EtcUser(new ContainerUser(1000, 1000, null), "/work"), new EtcUser(new ContainerUser(1001, 1001, "/home/t"), "/work") };
        Assert.Empty(EtcFiles.Prepare(root, ImageOf(scratch, []), 0, users, scratch["binds"], hasNetwork));
        Assert.Equal(expected, File.ReadAllText(scratch["clone/etc/resolv.conf"]));
        Assert.Equal(
            "root:x:0:0:root:/root:/bin/sh\nstudent:x:1000:1000:student:/work:/bin/sh\nuser1001:x:1001:1001:user1001:/home/t:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
            File.ReadAllText(scratch["clone/etc/passwd"]));
        Assert.Equal("root:x:0:\nstudent:x:1000:\ngroup1001:x:1001:\nnogroup:x:65534:\n", File.ReadAllText(scratch["clone/etc/group"]));
        Assert.False(Path.Exists(scratch["binds"]));
    }

    [Fact]
    public void Over_an_image_that_lacks_what_they_are_bound_over_none_is_bound()
    {
        Privileges.NeedRoot();
        using var scratch = new ScratchDirectory();
        Directory.CreateDirectory(scratch["ro-rootfs/etc"]);
        Directory.CreateDirectory(scratch["clone"]);
        File.WriteAllText(scratch["ro-rootfs/etc/passwd"], "");
        File.CreateSymbolicLink(scratch["ro-rootfs/etc/hosts"], "/outside");
        using var root = DirectoryHandle.Open(scratch["clone"]);
        var bind = Assert.Single(EtcFiles.Prepare(root, ImageOf(scratch, ["/etc"]), 0, [], scratch["binds"], hasNetwork: false));
        Assert.Equal((scratch["binds/passwd"], "/etc/passwd", true), (bind.Source, bind.Destination, bind.Options.Contains("ro")));
        Assert.Equal("passwd", Path.GetFileName(Assert.Single(Directory.EnumerateFiles(scratch["binds"]))));
    }

    private static Image ImageOf(ScratchDirectory scratch, IReadOnlyList<string> mounts)
    {
        foreach (var tree in new[] { "rootfs", "ro-rootfs" }) Directory.CreateDirectory(scratch[tree]);
        return new Image
        {
            Digest = Digest.Of([]),
            ReadOnlyMounts = mounts,
            Config = new ImageConfig(),
            EditableBytes = 0,
            EditableFiles = 0,
            Source = "",
            ImportedAt = default,
            EditableDirectory = scratch["rootfs"],
            ReadOnlyDirectory = scratch["ro-rootfs"],
        };
    }
}
