using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Storage;
using Contingious.Tests.Support;

namespace Contingious.Tests.Host;

/// <summary>Disk slots with real project quotas, on an ext4 of the test's own.</summary>
[Trait("Needs", "root")]
[Collection(nameof(AloneOnTheHost))]
public sealed class DiskSlotQuotaTests : IAsyncLifetime
{
    private const string Account = "ctgquota";
    private static readonly ByteSize size = ByteSize.FromMiB(16);

    private DirectoryInfo directory = null!;
    private bool mounted;

    private string Mounted => $"{directory.FullName}/mounted";

    private string Slots => $"{Mounted}/contingious-{Account}";

    public async ValueTask InitializeAsync()
    {
        RootOnly.Require();
        directory = Directory.CreateTempSubdirectory("contingious-quota-");
        Assert.Null(HostAccounts.FindLocal(Account, HostRoot.Real));
        Directory.CreateDirectory(Mounted);

        // The account is to get to its slots.
        File.SetUnixFileMode(directory.FullName, (UnixFileMode)0x1C9 /* 0711 */);
        using (var image = File.OpenHandle($"{directory.FullName}/image", FileMode.CreateNew, FileAccess.Write)) RandomAccess.SetLength(image, 256 << 20);
        await ProgramRunner.RequireAsync(new ProgramRequest("mke2fs", "-q", "-t", "ext4", "-O", "quota,project", "-E", "quotatype=prjquota", $"{directory.FullName}/image"), CancellationToken.None);
        var mount = await ProgramRunner.RunAsync(new ProgramRequest("mount", "-o", "loop,prjquota", $"{directory.FullName}/image", Mounted), CancellationToken.None);

        // What skips here is not disposed of.
        if (mount.ExitCode != 0) directory.Delete(recursive: true);
        Assert.SkipWhen(mount.ExitCode != 0, $"This kernel cannot mount an ext4 with project quotas (CONFIG_QFMT_V2): {mount.Complaint}");
        mounted = true;
        await ProgramRunner.RequireAsync(new ProgramRequest("useradd", "--no-create-home", Account), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (HostAccounts.FindLocal(Account, HostRoot.Real) is not null)
        {
            await (await OpenAsync()).UndoAsync(_ => { }, CancellationToken.None);
            await ProgramRunner.RequireAsync(new ProgramRequest("userdel", Account), CancellationToken.None);
        }

        if (mounted) await ProgramRunner.RequireAsync(new ProgramRequest("umount", "-d", Mounted), CancellationToken.None);
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task C9_The_kernel_holds_each_slot_to_its_size_and_shows_it()
    {
        await (await OpenAsync(Asked())).ApplyAsync(_ => { }, CancellationToken.None);
        Assert.DoesNotContain((await OpenAsync(Asked())).Plan(), action => action.Describe().Contains("disk slots", StringComparison.Ordinal));
        Assert.Equal(["slot-00", "slot-01"], SlotDisk.InForce(Slots).Select(slot => slot.Slot));
        foreach (var (_, use) in SlotDisk.InForce(Slots)) Assert.Equal((size.Bytes, 200), (use.UsedBytes + use.FreeBytes, use.UsedInodes + use.FreeInodes));

        var refused = await AsAccountAsync($"head -c 20m /dev/zero >{Slots}/slot-00/big");
        Assert.Contains("quota exceeded", refused, StringComparison.Ordinal);
        Assert.InRange(HostPath.TryStatus($"{Slots}/slot-00/big")!.Value.Size, size.Bytes - (1 << 20), size.Bytes);
        Assert.Contains("quota exceeded", await AsAccountAsync($"cd {Slots}/slot-01 && i=0; while [ $i -lt 300 ] && : >f$i; do i=$((i+1)); done"), StringComparison.Ordinal);
        Assert.InRange(Directory.EnumerateFiles($"{Slots}/slot-01").Count(), 190, 199);
    }

    [Fact]
    public async Task Slots_get_another_size_or_number_when_they_are_asked_for_again_and_undo_leaves_none()
    {
        await (await OpenAsync(Asked())).ApplyAsync(_ => { }, CancellationToken.None);
        await (await OpenAsync(Asked() with { Count = 1, Size = size + size })).ApplyAsync(_ => { }, CancellationToken.None);
        var (slot, use) = Assert.Single(SlotDisk.InForce(Slots));
        Assert.Equal(("slot-00", 2 * size.Bytes), (slot, use.UsedBytes + use.FreeBytes));
        await (await OpenAsync()).UndoAsync(_ => { }, CancellationToken.None);
        Assert.False(Directory.Exists(Slots));
        using var handle = DirectoryHandle.Open(Mounted);
        Assert.Equal(0, ProjectQuota.LimitsOf(handle, 0x0C71_0000).Bytes);
    }

    [Fact]
    public async Task Nobody_in_a_user_namespace_can_leave_a_slot_s_project()
    {
        await (await OpenAsync(Asked())).ApplyAsync(_ => { }, CancellationToken.None);
        Assert.Contains("Invalid argument", await AsAccountAsync($"unshare --user --map-root-user chattr -p 0 {Slots}/slot-00"), StringComparison.Ordinal);
        Assert.Contains("Invalid argument", await AsAccountAsync($"unshare --user --map-root-user chattr -P {Slots}/slot-00"), StringComparison.Ordinal);
        Assert.Equal(2, SlotDisk.InForce(Slots).Count());
    }

    [Fact]
    public async Task A_directory_without_quotas_is_refused_with_what_mends_it()
    {
        var refused = await Assert.ThrowsAsync<ContingiousException>(async () =>
            await (await OpenAsync(Asked() with { Directory = "/dev/shm" })).ApplyAsync(_ => { }, CancellationToken.None));
        Assert.Contains("prjquota", refused.Message, StringComparison.Ordinal);
    }

    private DiskSlotRequest Asked() => new(Mounted, 2, size, 200);

    private static Task<Setup> OpenAsync(DiskSlotRequest? slots = null) =>
        Setup.OpenAsync(new SetupRequest { Account = Account, Executable = "/usr/local/bin/contingious", DiskSlots = slots }, CancellationToken.None);

    // The host's root may pass any quota (CAP_SYS_RESOURCE).
    private static async Task<string> AsAccountAsync(string script)
    {
        var uid = HostAccounts.FindLocal(Account, HostRoot.Real)!.Uid.ToString(CultureInfo.InvariantCulture);
        var result = await ProgramRunner.RunAsync(new ProgramRequest("setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "sh", "-c", script), CancellationToken.None);
        return result.Complaint;
    }
}
