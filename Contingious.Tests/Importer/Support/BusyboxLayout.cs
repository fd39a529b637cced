using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer.Support;

/// <summary>Images that run, busybox with a file that tells them apart, in layouts of a scratch directory.</summary>
internal sealed class BusyboxLayout : IDisposable
{
    private const string Busybox = "/bin/busybox";
    private static readonly string[] applets = ["sh", "cat", "chmod", "chattr", "echo", "ln", "mount", "mv", "rm", "sleep", "touch", "true"];

    public BusyboxLayout() => Prerequisite.Require(File.Exists(Busybox), $"{Busybox} (apt-get install busybox-static)");

    public ScratchDirectory Scratch { get; } = new();

    /// <summary>A name that no other test has.</summary>
    public ImageReference Name { get; } = ImageReference.Parse($"store-{Guid.NewGuid():N}");

    /// <summary>Writes a layout whose <c>/opt/version</c> and <c>/work/version</c> say which it is.</summary>
    /// <param name="version">Its directory's name too.</param>
    /// <param name="files">So many files beside, half of them in the part that stays read-only.</param>
    /// <returns>The source.</returns>
    public string Write(string version, int files = 0)
    {
        Directory.CreateDirectory(Scratch[version]);
        var layer = new TarBuilder().Directory("bin").Entry('0', TarBuilder.Bytes("bin/busybox"), File.ReadAllBytes(Busybox), mode: 0x1ED);
        foreach (var applet in applets) layer.Symlink($"bin/{applet}", "busybox");
        layer.Directory("opt").File("opt/version", version).Directory("work", mode: 0x1FF).File("work/version", version);
        for (var i = 0; i < files; i++) layer.File($"{(i % 2 == 0 ? "opt" : "work")}/file-{i}", new string((char)('a' + (i % 26)), 2000));
        new LayoutBuilder(Scratch[version]).Layer(layer.Build()).Build();
        return $"oci:{Scratch[version]}";
    }

    public ImportRequest Request(string source) => new() { Name = Name, Source = source, Editable = ["/work"], CloneEngine = TestedEngine.Clones };

    /// <summary>Takes the name and what has no name any more out of a store.</summary>
    public void RemoveFrom(ImageStore store)
    {
        if (store.Entries().Any(entry => entry.Names.Contains(Name))) store.Remove(Name.ToString());
        store.Prune();
    }

    public void Dispose() => Scratch.Dispose();
}
