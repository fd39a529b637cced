using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;
using Contingious.Tests.Host;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Storage;

/// <summary>How content gets from one file system to another.</summary>
public sealed class CopyMethodTests : IDisposable
{
    private readonly ScratchDirectory scratch = new();

    public CopyMethodTests()
    {
        RootOnly.Require();
        foreach (var name in new[] { "one", "two" })
        {
            Directory.CreateDirectory(scratch[name]);
            Mounts.Tmpfs(scratch[name], 64 << 20, 1000, "0700");
            foreach (var below in new[] { "from", "to" }) Directory.CreateDirectory(scratch[$"{name}/{below}"]);
        }

        File.WriteAllBytes(scratch["one/from/large"], [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i % 251))]);
        File.WriteAllBytes(scratch["one/from/small"], [1, 2, 3]);
    }

    [Fact]
    public void What_a_file_system_refuses_is_remembered_of_that_pair_alone()
    {
        var methods = new CopyMethods();
        var (one, two) = (DeviceOf("one"), DeviceOf("two"));
        Assert.Equal(CopyMethod.Clone, methods.Between(one, one));
        Clone("one/from", "one/to", methods);
        Clone("one/from", "two/to", methods);

        // tmpfs shares no blocks, and the kernel copies from no file system to another.
        Assert.Equal((CopyMethod.CopyRange, CopyMethod.ReadWrite), (methods.Between(one, one), methods.Between(one, two)));
        Assert.Equal((CopyMethod.Clone, CopyMethod.Clone), (methods.Between(two, one), methods.Between(two, two)));
    }

    [Theory]
    [InlineData("btrfs")]
    [InlineData("xfs")]
    public async Task Where_blocks_can_be_shared_a_copy_takes_none(string kind)
    {
        await MountAsync(kind);
        File.WriteAllBytes(scratch["disk/from/large"], new byte[8 << 20]);
        File.WriteAllBytes(scratch["disk/from/small"], [1, 2, 3]);
        using (var sparse = File.OpenHandle(scratch["disk/from/sparse"], FileMode.CreateNew, FileAccess.Write)) RandomAccess.Write(sparse, "end"u8, 1 << 20);
        var methods = new CopyMethods();
        using (var disk = DirectoryHandle.Open(scratch["disk"])) disk.SyncFileSystem();
        var before = Mounts.UseOf(scratch["disk"]).UsedBytes;
        Clone("disk/from", "disk/to", methods);
        using (var disk = DirectoryHandle.Open(scratch["disk"])) disk.SyncFileSystem();
        Assert.InRange(Mounts.UseOf(scratch["disk"]).UsedBytes - before, 0, 4 << 20);
        Assert.Equal(CopyMethod.Clone, methods.Between(DeviceOf("disk"), DeviceOf("disk")));
        foreach (var name in new[] { "large", "small", "sparse" }) Assert.Equal(File.ReadAllBytes(scratch[$"disk/from/{name}"]), File.ReadAllBytes(scratch[$"disk/to/{name}"]));
    }

    public void Dispose()
    {
        foreach (var name in new[] { "one", "two", "disk" }) Mounts.TryUnmount(scratch[name]);
        scratch.Dispose();
    }

    private async Task MountAsync(string kind)
    {
        Assert.SkipWhen(ProgramRunner.Find($"mkfs.{kind}") is null, $"mkfs.{kind} is not installed.");
        Assert.SkipUnless(File.Exists("/dev/loop-control"), "There are no loop devices.");
        using (var image = File.Create(scratch["image"])) image.SetLength(400 << 20);
        await ProgramRunner.RequireAsync(new ProgramRequest($"mkfs.{kind}", "-q", scratch["image"]), TestContext.Current.CancellationToken);
        Directory.CreateDirectory(scratch["disk"]);
        var mounted = await ProgramRunner.RunAsync(new ProgramRequest("mount", "-t", kind, "-o", "loop", scratch["image"], scratch["disk"]), TestContext.Current.CancellationToken);
        Assert.SkipUnless(mounted.ExitCode == 0, $"This host mounts no {kind}: {mounted.Complaint}");
        foreach (var below in new[] { "from", "to" }) Directory.CreateDirectory(scratch[$"disk/{below}"]);
    }

    private void Clone(string source, string target, CopyMethods methods)
    {
        using (var from = DirectoryHandle.Open(scratch[source]))
        using (var to = DirectoryHandle.Open(scratch[target]))
        {
            new TreeCloner(0, true, TestContext.Current.CancellationToken, methods).Clone(from, to);
        }

        Assert.Equal(File.ReadAllBytes(scratch[$"{source}/large"]), File.ReadAllBytes(scratch[$"{target}/large"]));
    }

    private ulong DeviceOf(string name) => HostPath.TryStatus(scratch[name])!.Value.Device;
}
