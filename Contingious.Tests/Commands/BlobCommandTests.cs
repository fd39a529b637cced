using System.Text;
using Contingious.Agent.Cli;
using Contingious.Agent.Configuration;
using Contingious.Engine.Storage.Blobs;

namespace Contingious.Tests.Commands;

public sealed class BlobCommandTests : IDisposable
{
    private readonly DirectoryInfo scratch = Directory.CreateTempSubdirectory("contingious-blobs-");

    private string Blobs => $"{scratch.FullName}/blobs";

    [Fact]
    public void Of_a_directory_that_nobody_configured_nothing_is_too_old_by_itself()
    {
        Store(DateTime.UtcNow - TimeSpan.FromDays(400));
        foreach (var config in new[] { "{}", """{ "results": { "blobs": { "directory": "/elsewhere", "keep_days": 1 } } }""" })
        {
            Assert.Empty(BlobCommand.StoreOf(Blobs, Config(config)).Prune().Removed);
        }

        Assert.Single(BlobCommand.StoreOf(Blobs, Config("{}")).Prune(DateTimeOffset.UtcNow - TimeSpan.FromDays(399)).Removed);
    }

    [Fact]
    public void The_configured_directory_is_kept_as_it_is_configured_however_it_is_named()
    {
        var config = Config($$"""{ "results": { "blobs": { "directory": "{{Blobs}}", "keep_days": 500 } } }""");
        Store(DateTime.UtcNow - TimeSpan.FromDays(400));
        Assert.Empty(BlobCommand.StoreOf($"{Blobs}/", config).Prune().Removed);
        Store(DateTime.UtcNow - TimeSpan.FromDays(501));
        Assert.Single(BlobCommand.StoreOf($"{Blobs}/", config).Prune().Removed);
    }

    public void Dispose() => scratch.Delete(recursive: true);

    private void Store(DateTime when)
    {
        var stored = new BlobDirectory(new BlobOptions(Blobs), TimeProvider.System).Put(new MemoryStream("content"u8.ToArray()), 100)!;
        File.SetLastWriteTimeUtc($"{Blobs}/sha256/{stored.Digest.Hex[..2]}/{stored.Digest.Hex[2..]}", when);
    }

    private static OperatorConfig Config(string json) => OperatorConfig.Parse(Encoding.UTF8.GetBytes(json), "/etc/x.json");
}
