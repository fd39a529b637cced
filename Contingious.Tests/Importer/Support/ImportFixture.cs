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

    /// <summary>Imports from anywhere.</summary>
    public Task<Image> ImportFromAsync(string source, Func<ImportRequest, ImportRequest>? change = null)
    {
        var request = new ImportRequest { Name = ImageReference.Parse("test"), Source = source };
        return Importer.ImportAsync(change?.Invoke(request) ?? request, new Sink(Progress), TestContext.Current.CancellationToken);
    }

    /// <summary>As <see cref="AssertRefusedAsync(string, ImportStage?)"/>, of an import from anywhere.</summary>
    public async Task AssertRefusedFromAsync(string source, string message, ImportStage stage = ImportStage.Fetch, Func<ImportRequest, ImportRequest>? change = null)
    {
        var error = await Assert.ThrowsAsync<ImportException>(() => ImportFromAsync(source, change));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(stage, error.Stage);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Scratch["staging"]));
        Assert.Empty(Store.List());
        Scratch.AssertNothingLeftIt();
    }

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

    internal sealed class Sink(List<string> lines) : IProgress<string>
    {
        public void Report(string value)
        {
            lock (lines) lines.Add(value);
        }
    }
}
