using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>An image of a test's own making over busybox, imported into the account's store and taken out of it again.</summary>
internal sealed class HostileImage : IDisposable
{
    private const string Busybox = "/bin/busybox";

    private static readonly string[] Applets = ["sh", "cat", "echo", "grep", "hostname", "id", "ls", "nc", "ping", "true", "whoami"];

    private readonly EngineFixture fixture;
    private readonly Image image;

    private HostileImage(EngineFixture fixture, Image image, IReadOnlyList<string> warnings) => (this.fixture, this.image, Warnings) = (fixture, image, warnings);

    public IReadOnlyList<string> Warnings { get; }

    public Image Image => image;

    public static async Task<HostileImage> ImportAsync(EngineFixture fixture, TarBuilder contents, IReadOnlyList<string>? editable = null, string config = "{}", IReadOnlyList<string>? split = null)
    {
        _ = await fixture.EngineAsync();
        Prerequisite.Require(File.Exists(Busybox), $"{Busybox} (apt-get install busybox-static)");
        using var scratch = new ScratchDirectory();
        Directory.CreateDirectory(scratch["layout"]);
        var layout = new LayoutBuilder(scratch["layout"]) { Config = config };
        var programs = new TarBuilder().Directory("bin").Entry('0', TarBuilder.Bytes("bin/busybox"), await File.ReadAllBytesAsync(Busybox, TestContext.Current.CancellationToken), mode: 0x1ED);
        foreach (var applet in Applets) programs.Symlink($"bin/{applet}", "busybox");

        // No two have the same digest: two tests cannot take each other's away.
        var name = $"hostile-{Guid.NewGuid():N}";
        layout.Layer(programs.File("name", name).Build()).Layer(contents.Build()).Build();
        var store = new ImageStore(fixture.Layout.ImagesDirectory);
        var warnings = new List<string>();
        var request = new ImportRequest { Name = ImageReference.Parse(name), Source = $"oci:{scratch["layout"]}", Editable = editable, Split = split, CloneEngine = TestedEngine.Clones };
        var image = await new ImageImporter(store, fixture.Layout.StagingDirectory).ImportAsync(request, new Lines(warnings), TestContext.Current.CancellationToken);
        return new HostileImage(fixture, image, warnings);
    }

    public Task<RunReport> ShellAsync(string script, Func<RunRequest, RunRequest>? job = null, Func<StepRequest, StepRequest>? step = null) => fixture.RunAsync(
        ["sh", "-c", script],
        step,
        request => job is null ? request with { Image = image.Id.ToString() } : job(request with { Image = image.Id.ToString() }));

    public void Dispose() => new ImageStore(fixture.Layout.ImagesDirectory).Remove(image.Id.ToString());

    private sealed class Lines(List<string> lines) : IProgress<string>
    {
        public void Report(string value)
        {
            lock (lines) lines.Add(value);
        }
    }
}
