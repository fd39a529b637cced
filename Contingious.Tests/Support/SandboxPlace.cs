using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Storage;

namespace Contingious.Tests.Support;

/// <summary>A sandbox's directory inside the keeper, with nothing of a sandbox but that, and directories of the test's own beside it.</summary>
internal sealed class SandboxPlace : IDisposable
{
    private SandboxPlace(HostLayout layout, string name)
    {
        Layout = layout;
        Name = name;
        // Nobody sweeps what is locked.
        hold = FileLock.TryClaim($"{layout.LocksDirectory}/{name}") ?? throw new InvalidOperationException($"{name} is taken.");
        System.IO.Directory.CreateDirectory(Directory);
    }

    private readonly FileLock hold;

    public HostLayout Layout { get; }

    public string Name { get; }

    public string Directory => $"{Layout.SandboxesDirectory}/{Name}";

    public static async Task<SandboxPlace> MakeAsync(EngineFixture fixture)
    {
        _ = await fixture.EngineAsync();
        return new SandboxPlace(fixture.Layout, fixture.NewId().Value);
    }

    /// <summary>What is mounted in it, or left of it anywhere.</summary>
    public IReadOnlyList<string> Traces() =>
    [
        .. File.ReadLines("/proc/self/mountinfo").Select(line => line.Split(' ')[4]).Where(path => path.StartsWith(Directory, StringComparison.Ordinal)),
        .. System.IO.Directory.Exists(Directory) ? [Directory] : Array.Empty<string>(),
        .. JobDisk.Owners(Layout).Where(owner => owner == Name),
    ];

    public void Dispose()
    {
        JobDisk.Discard(Layout, Directory);
        File.Delete($"{Layout.LocksDirectory}/{Name}");
        hold.Dispose();
    }
}
