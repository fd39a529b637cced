namespace Contingious.Engine.Linux;

public enum FileKind
{
    Unknown,
    Fifo,
    CharacterDevice,
    Directory,
    BlockDevice,
    Regular,
    Symlink,
    Socket,
}

/// <summary>What statx(2) says of one file; a symlink is described itself, never its target.</summary>
public readonly record struct FileStatus(
    FileKind Kind, uint Permissions, uint Uid, uint Gid, long Size, uint LinkCount, ulong Inode, ulong Device, long ModifySeconds, uint ModifyNanoseconds)
{
    private const int BlockSize = 512;

    /// <summary>What it takes on its file system, which holes in it do not (stx_blocks).</summary>
    public long AllocatedBytes { get; init; }

    internal static FileStatus From(in Libc.Statx raw) => new(
        KindOf(raw.Mode),
        raw.Mode & 0xFFFu,
        raw.Uid,
        raw.Gid,
        (long)raw.Size,
        raw.LinkCount,
        raw.Inode,
        ((ulong)raw.DevMajor << 32) | raw.DevMinor,
        raw.ModifyTime.Seconds,
        raw.ModifyTime.Nanoseconds)
    {
        AllocatedBytes = (long)raw.Blocks * BlockSize,
    };

    /// <param name="mode">Its bits of S_IFMT (inode(7)), which d_type of readdir(3) has too, shifted.</param>
    internal static FileKind KindOf(uint mode) => (mode & 0xF000) switch
    {
        0x1000 => FileKind.Fifo,
        0x2000 => FileKind.CharacterDevice,
        0x4000 => FileKind.Directory,
        0x6000 => FileKind.BlockDevice,
        0x8000 => FileKind.Regular,
        0xA000 => FileKind.Symlink,
        0xC000 => FileKind.Socket,
        _ => FileKind.Unknown,
    };
}
