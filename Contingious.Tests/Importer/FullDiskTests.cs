using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>A store on a disk of its own that is full: inside the keeper, where a test may mount one.</summary>
[Trait("Needs", "keeper")]
public sealed class FullDiskTests
{
    private const long Bytes = 4 << 20;

    [Theory]
    [InlineData(Bytes, 1000)]
    [InlineData(64 << 20, 200)]
    public async Task An_image_that_does_not_fit_is_refused_and_those_that_are_there_stay_whole(long bytes, long inodes)
    {
        using var disk = new SmallDisk(bytes, inodes);
        var first = await disk.ImportAsync("first", 100, 1000);
        var error = await Assert.ThrowsAsync<ImportException>(() => disk.ImportAsync("second", 700, 8000));
        Assert.StartsWith("The image second was not imported. Unpack: The disk is full (", error.Message, StringComparison.Ordinal);
        Assert.Contains(disk.StagingDirectory, error.Message, StringComparison.Ordinal);
        Assert.Contains("'contingious image prune'", error.Message, StringComparison.Ordinal);
        await disk.AssertWholeAsync(first);
        disk.Store.Remove("first");
        _ = await disk.ImportAsync("second", 80, 8000);
    }

    [Fact]
    public async Task Wherever_the_disk_becomes_full_the_image_is_there_as_a_whole_or_not_at_all()
    {
        using var disk = new SmallDisk(Bytes, 1000);
        var first = await disk.ImportAsync("first", 3, 10);
        var (refused, imported) = (0, 0);
        for (var left = 0; left <= 160; left += 4)
        {
            disk.LeaveFree(left << 10);
            try
            {
                var second = await disk.ImportAsync("first", 4, 10);
                imported++;
                await disk.AssertWholeAsync(second, first);
                disk.Store.Tag(first.Id.ToString(), ImageReference.Parse("first"));
                disk.Store.Prune();
            }
            catch (Exception error) when (error is ImportException or DiskFullException)
            {
                Assert.Contains("disk is full", error.Message, StringComparison.Ordinal);
                refused++;
                await disk.AssertWholeAsync(first);
            }

            disk.LeaveFree(Bytes);
        }

        Assert.True(refused > 5 && imported > 1, $"{refused} refused, {imported} imported");
    }

    /// <summary>A tmpfs with a store and a staging directory on it, and a layout elsewhere.</summary>
    private sealed class SmallDisk : IDisposable
    {
        private readonly ScratchDirectory scratch = new();
        private readonly string mount;

        public SmallDisk(long bytes, long inodes)
        {
            Prerequisite.Require(HostPath.IsApartFromHost, "the keeper's namespace: run these tests with 'contingious unshare -- …', as eng/test.sh does");
            mount = Directory.CreateDirectory(scratch["disk"]).FullName;
            Mounts.Tmpfs(mount, bytes, inodes, "0700");
            Store = new ImageStore($"{mount}/images");
        }

        public ImageStore Store { get; }

        public string StagingDirectory => $"{mount}/staging";

        public Task<Image> ImportAsync(string name, int files, int size)
        {
            var layer = new TarBuilder().Directory("opt");
            for (var i = 0; i < files; i++) layer.File($"opt/{i}", new string((char)('a' + (i % 26)), size));
            var layout = scratch[$"layout-{Guid.NewGuid():N}"];
            Directory.CreateDirectory(layout);
            new LayoutBuilder(layout).Layer(layer.Build()).Build();
            return new ImageImporter(Store, StagingDirectory).ImportAsync(new ImportRequest { Name = ImageReference.Parse(name), Source = $"oci:{layout}" }, null, TestContext.Current.CancellationToken);
        }

        public void LeaveFree(long bytes)
        {
            File.Delete($"{mount}/fill");
            var free = Mounts.UseOf(mount).FreeBytes;
            if (free > bytes) File.WriteAllBytes($"{mount}/fill", new byte[free - bytes]);
        }

        /// <summary>These images and no others are there, each as it was imported, and nothing is half made.</summary>
        public async Task AssertWholeAsync(params Image[] images)
        {
            Assert.Equal(images.Select(image => image.Id.Hex).Order(), Store.Entries().Select(entry => entry.Id.Hex).Order());
            foreach (var image in images) Assert.Equal([], (await ImageVerification.OfAsync(image, TestContext.Current.CancellationToken)).Differences);
            Assert.Equal(Store.Find("first").Id, images[0].Id);
            if (Directory.Exists(StagingDirectory)) Assert.Empty(Directory.EnumerateFileSystemEntries(StagingDirectory));
            Assert.Empty(Directory.EnumerateFileSystemEntries($"{mount}/images", ".*"));
            Assert.Empty(Directory.EnumerateFileSystemEntries($"{mount}/images/names", ".*"));
        }

        public void Dispose()
        {
            _ = Mounts.TryUnmount(mount);
            scratch.Dispose();
        }
    }
}
