using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Storage;

/// <summary>A tree with something of everything that an image may hold, and what is to be seen of a tree.</summary>
internal static class RandomTree
{
    public static void Make(DirectoryHandle root, int directories, int filesEach)
    {
        var random = new Random(42);
        List<string> all = ["."];
        for (var i = 0; i < directories; i++)
        {
            var path = $"{all[random.Next(all.Count)]}/directory {i}";
            root.OpenOrMake(Components(path), 0x1ED, 0, 0).Dispose();
            all.Add(path);
            Fill(root, path, i, filesEach, random);
        }

        foreach (var path in all.Skip(1))
        {
            using var directory = root.OpenDirectory(path);
            if (random.Next(4) == 0) FileXattrs.TrySet(directory, "user.of a directory"u8, [(byte)random.Next(256)]);
            directory.SetOwner((uint)random.Next(50), (uint)random.Next(50));
            directory.SetMode((uint)random.Next(0x1000));
        }

        // Last, for what is made in a directory changes its times.
        foreach (var path in all.Skip(1))
        {
            using var directory = root.OpenDirectory(path);
            directory.SetTimes(random.Next(), (uint)random.Next(1_000_000_000));
        }
    }

    /// <summary>A line for each entry: all but the times of the root, and what a file system decides by itself.</summary>
    public static List<string> Describe(DirectoryHandle root, uint shift)
    {
        var lines = new List<string>();
        var groups = new Dictionary<ulong, string>();
        Describe(root, "", shift, lines, groups);
        return lines;
    }

    private static void Fill(DirectoryHandle root, string path, int number, int files, Random random)
    {
        using var directory = root.OpenDirectory(path);
        for (var i = 0; i < files; i++)
        {
            // Not UTF-8, and of what a shell or a terminal minds.
            byte[] name = [0xff, (byte)'\n', .. Encoding.UTF8.GetBytes($"-é file {i}"), .. new byte[random.Next(3) * 50].Select(_ => (byte)'x')];
            switch (random.Next(12))
            {
                case 0:
                    directory.CreateSymlink(Encoding.UTF8.GetBytes($"/no/such/{i}"), name);
                    directory.SetOwner(name, (uint)random.Next(50), (uint)random.Next(50));
                    directory.SetTimes(name, random.Next(), 5);
                    break;
                case 1 when number > 0 && i > 0:
                    using (var there = root.OpenDirectory("directory 0")) directory.CreateHardLink(there, "linked"u8, name);
                    break;
                default:
                    using (var file = directory.CreateFile(name, 0x180)) Write(file, random);
                    break;
            }
        }

        if (number > 0) return;
        using (var linked = directory.CreateFile("linked"u8, 0x180)) Write(linked, random);
    }

    private static void Write(Microsoft.Win32.SafeHandles.SafeFileHandle file, Random random)
    {
        var content = new byte[random.Next(4) switch { 0 => 0, 1 => random.Next(100_000), _ => random.Next(3000) }];
        random.NextBytes(content);
        RandomAccess.Write(file, content, random.Next(20) == 0 ? 1 << 20 : 0);
        if (random.Next(30) == 0) RandomAccess.SetLength(file, 3 << 20);
        if (random.Next(5) == 0) FileXattrs.TrySet(file, "user.of a file"u8, new byte[random.Next(500)]);
        DirectoryHandle.SetOwner(file, (uint)random.Next(50), (uint)random.Next(50));
        DirectoryHandle.SetMode(file, (uint)random.Next(0x1000));
        DirectoryHandle.SetTimes(file, random.Next(), (uint)random.Next(1_000_000_000));
    }

    private static void Describe(DirectoryHandle directory, string path, uint shift, List<string> lines, Dictionary<ulong, string> groups)
    {
        foreach (var name in directory.Entries().OrderBy(Convert.ToHexString, StringComparer.Ordinal))
        {
            var status = directory.TryStatus(name)!.Value;
            var full = $"{path}/{NativePath.Display(name)}";
            var line = string.Create(
                CultureInfo.InvariantCulture,
                $"{full} {status.Kind} {status.Permissions:x} {status.Uid - shift}:{status.Gid - shift} {status.ModifySeconds}.{status.ModifyNanoseconds}");
            switch (status.Kind)
            {
                case FileKind.Directory:
                    using (var below = directory.OpenDirectory(name))
                    {
                        lines.Add($"{line} {Xattrs(FileXattrs.Names(below), xattr => FileXattrs.TryGet(below, xattr))}");
                        Describe(below, full, shift, lines, groups);
                    }

                    break;
                case FileKind.Regular:
                    using (var file = directory.OpenRead(name))
                    {
                        var content = new byte[status.Size];
                        Assert.Equal(content.Length, RandomAccess.Read(file, content, 0));
                        groups.TryAdd(status.Inode, full);
                        lines.Add(
                            $"{line} {status.LinkCount} of {groups[status.Inode]} {(status.AllocatedBytes < status.Size - 65536 ? "with holes" : "")} " +
                            $"{Convert.ToHexString(SHA256.HashData(content))} {Xattrs(FileXattrs.Names(file), xattr => FileXattrs.TryGet(file, xattr))}");
                    }

                    break;
                case FileKind.Symlink:
                    lines.Add($"{line} {NativePath.Display(directory.ReadLink(name))}");
                    break;
                case FileKind.Unknown or FileKind.Fifo or FileKind.CharacterDevice or FileKind.BlockDevice or FileKind.Socket:
                    lines.Add(line);
                    break;
                default:
                    throw new InvalidOperationException($"{status.Kind} is no kind of file.");
            }
        }
    }

    private static string Xattrs(IReadOnlyList<byte[]> names, Func<byte[], byte[]?> get) =>
        string.Join(' ', names.Select(name => $"{NativePath.Display(name)}={Convert.ToHexString(get(name) ?? [])}").Order(StringComparer.Ordinal));

    private static IEnumerable<byte[]> Components(string path) => path.Split('/').Where(name => name != ".").Select(Encoding.UTF8.GetBytes);
}
