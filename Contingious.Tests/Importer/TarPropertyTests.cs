using System.Globalization;
using System.Text;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>Random trees, packed by every tar there is and unpacked by GNU tar and by ours: both must be the same, entry by entry.</summary>
public sealed class TarPropertyTests
{
    private const int FixedSeeds = 3;
    private const int SoakSeeds = 120;

    public static TheoryData<string> Packers =>
    [
        "tar --format=v7", "tar --format=oldgnu", "tar --format=gnu", "tar --format=ustar", "tar --format=posix",
        "tar --format=oldgnu --sparse", "tar --format=gnu --sparse", "tar --format=posix --sparse --sparse-version=0.0", "tar --format=posix --sparse --sparse-version=0.1",
        "tar --format=posix --sparse --sparse-version=1.0 --xattrs", "tar --format=posix --xattrs --xattrs-include=user.*",
        "bsdtar --format=pax", "bsdtar --format=gnutar", "bsdtar --format=ustar", "bsdtar --format=v7",
        "python ustar", "python gnu", "python pax",
    ];

    [Theory]
    [MemberData(nameof(Packers))]
    public async Task An_archive_unpacks_to_what_GNU_tar_unpacks_it_to(string packer)
    {
        var entries = 0;
        for (var seed = 0; seed < FixedSeeds; seed++) entries += await CompareAsync(packer, seed);
        Assert.True(entries > 60, $"only {entries} entries were packed");
    }

    [Theory]
    [MemberData(nameof(Packers))]
    public async Task An_archive_unpacks_to_what_GNU_tar_unpacks_it_to_many_times(string packer)
    {
        Soak.Require();
        for (var seed = 1000; seed < 1000 + SoakSeeds; seed++) await CompareAsync(packer, seed);
    }

    private static async Task<int> CompareAsync(string packer, int seed)
    {
        Privileges.NeedRoot();
        foreach (var program in new[] { "tar", "bsdtar", "python3" }) Prerequisite.Require(ProgramRunner.Find(program) is not null, $"{program} (Debian's packages tar, libarchive-tools, python3)");
        var start = DateTimeOffset.UtcNow;
        using var scratch = new ScratchDirectory();
        var (source, archive, theirs, ours) = (scratch["source"], scratch["archive.tar"], scratch["theirs"], scratch["ours"]);
        foreach (var directory in new[] { source, theirs, ours }) Directory.CreateDirectory(directory);
        await TreeAsync("make", $"{seed}", source, CanHoldAll(packer) ? "with" : "without");
        await PackAsync(packer, source, archive);

        // Warnings are not of interest, such as of a time in the future; what it did make is.
        await RunAsync(new ProgramRequest("tar", "--extract", "--preserve-permissions", "--numeric-owner", "--same-owner", "--xattrs", "--xattrs-include=user.*", "--warning=none", "--delay-directory-restore", "--file", archive, "--directory", theirs));
        using (var root = DirectoryHandle.Open(ours))
        using (var tar = File.OpenRead(archive))
        {
            new LayerUnpacker(root, ImportLimits.Default, new UnpackReport(), keepOwners: true).Apply(tar, TestContext.Current.CancellationToken);
        }

        var (expected, actual) = (await ListAsync(theirs), await ListAsync(ours));
        Assert.Equal(expected.Select(line => Comparable(line, start)), actual.Select(line => Comparable(line, start)));
        CompareXattrs(expected, archive);
        scratch.AssertNothingLeftIt();
        return actual.Count;
    }

    /// <summary>
    /// ustar and v7 have no room for some names and times, and then hard links point to what is not there, which GNU tar passes over and we refuse.
    /// bsdtar 3.6 does so in pax for some long names, and URL-encodes the names of xattrs.
    /// </summary>
    private static bool CanHoldAll(string packer) => !packer.Contains("ustar", StringComparison.Ordinal) && !packer.Contains("v7", StringComparison.Ordinal) && packer != "bsdtar --format=pax";

    /// <summary>As the reader gives them; that they are set too is the unpacker's test.</summary>
    private static void CompareXattrs(List<string> expected, string archive)
    {
        var read = new Dictionary<string, string>();
        using var tar = File.OpenRead(archive);
        var reader = new TarReader(tar, ByteSize.FromMiB(1));
        while (reader.Next() is { } entry)
        {
            if (entry.Kind == TarEntryKind.HardLink) continue;
            var path = Encoding.Latin1.GetString(entry.Name).Trim('/');
            if (path.StartsWith("./", StringComparison.Ordinal)) path = path[2..];
            var values = entry.Xattrs.Where(xattr => xattr.Name.AsSpan().StartsWith("user."u8)).Select(xattr => $"{Hex(xattr.Name)}:{Hex(xattr.Value)}");
            read[Hex(Encoding.Latin1.GetBytes(path))] = string.Join(',', values.Order(StringComparer.Ordinal));
        }

        var listed = expected.Select(line => line.Split(' ')).ToDictionary(fields => fields[0], fields => fields[10]);
        foreach (var (path, values) in read) Assert.Equal(listed[path], values);
    }

    private static async Task PackAsync(string packer, string source, string archive)
    {
        var words = packer.Split(' ');
        if (words[0] == "python") await TreeAsync("pack", words[1], source, archive);
        else await RunAsync(new ProgramRequest(words[0], [.. words[1..], "-cf", archive, "-C", source, "."]));
    }

    private static async Task<List<string>> ListAsync(string directory) => [.. (await TreeAsync("list", directory)).Split('\n', StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Without the xattrs, and without the time of a directory that has no entry: GNU tar leaves it as new as it is, and we give it the epoch.</summary>
    private static string Comparable(string line, DateTimeOffset start)
    {
        var fields = line.Split(' ')[..^1];
        var isNew = long.Parse(fields[5], CultureInfo.InvariantCulture) / 1_000_000_000 is var time && time >= start.ToUnixTimeSeconds() && time <= DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        if ((isNew || fields[5] == "0") && fields[1] == "40000") fields[5] = "any";
        return string.Join(' ', fields);
    }

    private static async Task<string> TreeAsync(params string[] args) => (await ProgramRunner.RequireAsync(
        new ProgramRequest("python3", [Path.Combine(AppContext.BaseDirectory, "Support", "random-tree.py"), .. args]), TestContext.Current.CancellationToken)).StdoutText;

    /// <summary>Some formats have no room for some names; such an entry is left out and the exit code says so.</summary>
    private static async Task RunAsync(ProgramRequest request) => await ProgramRunner.RunAsync(request, TestContext.Current.CancellationToken);

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}
