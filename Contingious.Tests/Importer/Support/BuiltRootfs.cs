using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Importer;
using Contingious.Importer.Layers;
using Contingious.Importer.Oci;

namespace Contingious.Tests.Importer.Support;

/// <summary>Makes rootfses out of layers by hand, through a layer store in a scratch directory, and counts the layers that were unpacked.</summary>
internal sealed class BuiltRootfs
{
    private readonly ScratchDirectory scratch;
    private readonly string layout;

    public BuiltRootfs(ScratchDirectory scratch)
    {
        this.scratch = scratch;
        layout = Directory.CreateDirectory(scratch["layout"]).FullName;
        Store = new LayerStore(scratch["layers"]);
    }

    public LayerStore Store { get; }

    /// <summary>The layers that were unpacked by the last build.</summary>
    public List<Digest> Opened { get; } = [];

    public List<string> Progress { get; } = [];

    public bool KeepOwners { get; init; } = Privileges.IsRoot;

    /// <summary>Builds into a new directory, and lists it.</summary>
    public (IReadOnlyList<string> Listing, UnpackedRootfs Unpacked) Build(IReadOnlyList<byte[]> layers, string? directory = null, bool usesStored = true, Digest? corrupt = null)
    {
        Opened.Clear();
        directory ??= scratch[$"rootfs-{Guid.NewGuid():N}"];
        Directory.CreateDirectory(directory);
        using var staging = new TemporaryDirectory(scratch[$"staging-{Guid.NewGuid():N}"]);
        Directory.CreateDirectory(Path.Combine(layout, "blobs", "sha256"));
        using var open = new ImageLayout(new LayoutDirectory(layout, ImportLimits.Default), ImportLimits.Default);
        var builder = new RootfsBuilder([.. layers.Select(Layer)], Open, ImportLimits.Default)
        {
            KeepOwners = KeepOwners,
            Store = Store,
            UsesStored = usesStored,
            StagingDirectory = staging.Path,
            Progress = new Sink(Progress),
        };
        using var rootfs = DirectoryHandle.Open(directory);
        rootfs.SetMode(0x1ED);
        var unpacked = builder.Build(rootfs, TestContext.Current.CancellationToken);
        return (TreeLines.Of(directory), unpacked);

        LayerReader Open(ResolvedLayer layer)
        {
            Opened.Add(layer.DiffId);
            var promised = layer.DiffId == corrupt ? layer with { DiffId = Digest.Of("something else"u8) } : layer;
            return new LayerReader(open.OpenBlob(layer.Blob, "layer"), promised, ImportLimits.Default);
        }
    }

    private ResolvedLayer Layer(byte[] tar)
    {
        var digest = Digest.Of(tar);
        File.WriteAllBytes(Path.Combine(Directory.CreateDirectory(Path.Combine(layout, "blobs", "sha256")).FullName, digest.Hex), tar);
        return new ResolvedLayer(new Descriptor { Digest = digest, Size = tar.Length }, LayerCompression.None, digest);
    }

    private sealed class TemporaryDirectory : IDisposable
    {
        public TemporaryDirectory(string path) => Path = Directory.CreateDirectory(path).FullName;

        public string Path { get; }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }

    private sealed class Sink(List<string> lines) : IProgress<string>
    {
        public void Report(string value) => lines.Add(value);
    }
}
