using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>A real Debian by mmdebstrap, from the sources of the host's own packages.</summary>
[Trait("Needs", "keeper")]
public sealed class DebianSourceTests
{
    [Fact]
    public async Task A_minimal_Debian_is_made_with_nothing_of_the_host_in_it()
    {
        Need();
        using var fixture = new ImportFixture();
        var image = await fixture.ImportFromAsync("debian:bookworm,file");

        using var readOnly = DirectoryHandle.Open(image.ReadOnlyDirectory);
        using var bin = readOnly.OpenDirectory("usr/bin");
        Assert.Equal((FileKind.Regular, 0x1EDu, 0u), (bin.TryStatus("file"u8)?.Kind, bin.TryStatus("file"u8)?.Permissions, bin.TryStatus("file"u8)?.Uid));
        Assert.Equal(FileKind.Symlink, bin.TryStatus("sh"u8)?.Kind);
        using var apt = readOnly.OpenDirectory("etc/apt");
        Assert.Null(apt.TryStatus("sources.list"u8));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(image.ReadOnlyDirectory, "etc/apt/apt.conf.d"), "99mmdebstrap"));
        Assert.Contains(fixture.Progress, line => line.StartsWith("mmdebstrap: ", StringComparison.Ordinal));
        Assert.DoesNotContain(fixture.Progress, line => line.Contains("device", StringComparison.Ordinal));
        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
        if (!Soak.IsAsked) return;
        using var again = new ImportFixture();
        Assert.Equal(image.Digest, (await again.ImportFromAsync("debian:bookworm,file")).Digest);
    }

    [Fact]
    public async Task A_package_that_does_not_exist_is_quoted_and_leaves_nothing()
    {
        Need();
        using var fixture = new ImportFixture();
        await fixture.AssertRefusedFromAsync("debian:bookworm,no-such-package-anywhere", "no-such-package-anywhere");
    }

    [Fact]
    public async Task A_cancelled_build_leaves_no_process_no_mount_and_no_file()
    {
        Need();
        using var fixture = new ImportFixture();
        using var stop = new CancellationTokenSource();
        var progress = new Awaited(line => line.Contains("extracting", StringComparison.Ordinal), stop);
        var request = new ImportRequest { Name = Engine.Images.ImageReference.Parse("test"), Source = "debian:bookworm" };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.Importer.ImportAsync(request, progress, stop.Token));

        Assert.Empty(Directory.EnumerateFileSystemEntries(fixture.Scratch["staging"]));
        Assert.DoesNotContain(fixture.Scratch.Root, await File.ReadAllTextAsync("/proc/self/mountinfo", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.DoesNotContain(CommandLines(), line => line.Contains(fixture.Scratch["staging"], StringComparison.Ordinal));
    }

    private static void Need()
    {
        Privileges.NeedRoot();
        Privileges.Need(ProgramRunner.Find("mmdebstrap") is not null, "mmdebstrap is not installed");
    }

    private static List<string> CommandLines()
    {
        var lines = new List<string>();
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => Path.GetFileName(path).All(char.IsAsciiDigit)))
        {
            try
            {
                lines.Add(File.ReadAllText(Path.Combine(process, "cmdline")));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked.
            }
        }

        return lines;
    }

    private sealed class Awaited(Func<string, bool> isIt, CancellationTokenSource stop) : IProgress<string>
    {
        public void Report(string value)
        {
            if (isIt(value)) stop.Cancel();
        }
    }
}
