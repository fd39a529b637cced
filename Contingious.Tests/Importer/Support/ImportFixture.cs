using Contingious.Engine.Images;
using Contingious.Importer;

namespace Contingious.Tests.Importer.Support;

/// <summary>A store, a staging directory and a layout to fill, in a scratch directory.</summary>
internal sealed class ImportFixture : IDisposable
{
    public ImportFixture(ImportLimits? limits = null)
    {
        Directory.CreateDirectory(Scratch["layout"]);
        Layout = new LayoutBuilder(Scratch["layout"]);
        Store = new ImageStore(Scratch["images"]);
        Importer = new ImageImporter(Store, Scratch["staging"], limits: limits) { KeepOwners = Privileges.IsRoot };
    }

    public ScratchDirectory Scratch { get; } = new();

    public LayoutBuilder Layout { get; }

    public ImageStore Store { get; }

    public ImageImporter Importer { get; }

    public List<string> Progress { get; } = [];

    public Task<Image> ImportAsync(string name = "test", IReadOnlyList<string>? editable = null, IReadOnlyList<string>? readOnly = null, ConfigOverrides? overrides = null) => Importer.ImportAsync(
        new ImportRequest { Name = ImageReference.Parse(name), Source = $"oci:{Scratch["layout"]}", Editable = editable, ReadOnly = readOnly ?? [], Overrides = overrides ?? new ConfigOverrides() },
        new Sink(Progress),
        TestContext.Current.CancellationToken);

    /// <summary>The import fails with a message, and nothing of it is left in the store, in the staging directory or outside.</summary>
    public async Task AssertRefusedAsync(string message, ImportStage? stage = null)
    {
        var error = await Assert.ThrowsAsync<ImportException>(() => ImportAsync());
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        if (stage is not null) Assert.Equal(stage, error.Stage);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Scratch["staging"]));
        Assert.Empty(Store.List());
        Scratch.AssertNothingLeftIt();
    }

    public void Dispose() => Scratch.Dispose();

    private sealed class Sink(List<string> lines) : IProgress<string>
    {
        public void Report(string value)
        {
            lock (lines) lines.Add(value);
        }
    }
}
