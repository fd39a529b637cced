using System.Security.Cryptography;
using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;
using Contingious.Tests.Verdicts;

[assembly: AssemblyFixture(typeof(VerdictImage))]

namespace Contingious.Tests.Verdicts;

/// <summary>
/// The image that the labelled programs run in: busybox, this host's CPython, and the C programs, compiled here. Built
/// and imported once; again only when something that it is made of has changed.
/// </summary>
public sealed class VerdictImage : IDisposable
{
    public static string Name { get; } = TestedEngine.Name("verdicts");

    /// <summary>Where the compiled programs are in the image.</summary>
    public const string ProgramDirectory = "/verdicts";

    private const string KeyLabel = "contingious.test.made-of";
    private const string Busybox = "/bin/busybox";

    // Debian's own: what comes first in PATH may be of another place, with files all over the host.
    private const string Python = "/usr/bin/python3";

    private static readonly string[] editable = ["/home", "/root", "/run", "/tmp", "/var", "/work"];
    private static readonly string[] compilerOptions = ["-O0", "-static", "-s", "-pthread", "-w"];

    // Debian's interpreter has most of the modules in itself; these are the others that a program is likely to import.
    private static readonly string[] modules = ["_asyncio", "_contextvars", "_ctypes", "_json", "_multiprocessing", "_posixshmem", "_queue", "mmap", "resource"];
    private static readonly string[] leftOut = ["test", "idlelib", "ensurepip", "lib2to3", "tkinter", "pydoc_data", "config-*", "lib-dynload", "dist-packages"];

    private readonly SemaphoreSlim once = new(1);
    private bool isThere;

    public async Task ImportAsync(HostLayout layout)
    {
        await once.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (isThere) return;
            Prerequisite.Require(ProgramRunner.Find("gcc") is not null && File.Exists("/usr/include/stdio.h"), "a C compiler: apt-get install gcc libc6-dev");
            Prerequisite.Require(File.Exists(Python), $"{Python}: apt-get install python3");
            Prerequisite.Require(File.Exists(Busybox), $"{Busybox}: apt-get install busybox-static");
            var key = Key();
            var store = new ImageStore(layout.ImagesDirectory);
            var before = store.List().FirstOrDefault(image => image.Names.Any(name => name.Name == Name));
            if (before is null || before.Config.Labels.GetValueOrDefault(KeyLabel) != key)
            {
                using var scratch = new ScratchDirectory();
                await BuildAsync(scratch, key);
                var request = new ImportRequest { Name = ImageReference.Parse(Name), Source = $"oci:{scratch["layout"]}", Editable = editable, CloneEngine = TestedEngine.Clones };
                await new ImageImporter(store, layout.StagingDirectory).ImportAsync(request, progress: null, TestContext.Current.CancellationToken);
                if (before is { Names.Count: 1 }) Remove(layout, before);
            }

            isThere = true;
        }
        finally
        {
            once.Release();
        }
    }

    public void Dispose() => once.Dispose();

    private static IEnumerable<string> Sources() =>
        new[] { "Programs/c", "Accuracy" }.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Verdicts", folder), "*.c")).Order(StringComparer.Ordinal);

    private static string Key()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Join(' ', [$"{TestedEngine.Clones}", .. compilerOptions, .. modules, .. leftOut, .. editable])));
        foreach (var source in Sources())
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(source)));
            hash.AppendData(File.ReadAllBytes(source));
        }

        foreach (var program in new[] { Busybox, Python }) hash.AppendData(File.ReadAllBytes(program));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static async Task BuildAsync(ScratchDirectory scratch, string key)
    {
        Directory.CreateDirectory(scratch["layout"]);
        var compiled = Directory.CreateDirectory(scratch[$"root{ProgramDirectory}"]).FullName;
        await Parallel.ForEachAsync(Sources(), TestContext.Current.CancellationToken, async (source, cancellation) =>
            await RunAsync("gcc", [.. compilerOptions, "-o", Path.Combine(compiled, Path.GetFileNameWithoutExtension(source)), source], cancellation));
        var layout = new LayoutBuilder(scratch["layout"])
        {
            Config = $$$"""{"Cmd":["sh"],"User":"1000:1000","WorkingDir":"/work","Env":["HOME=/home/student"],"Labels":{"{{{KeyLabel}}}":"{{{key}}}"}}""",
        };
        layout.Layer(await UserlandAsync(), LayoutBuilder.PlainLayer);
        layout.Layer(await TarAsync(scratch["programs.tar"], ["-C", scratch["root"], "."]), LayoutBuilder.PlainLayer);
        layout.Layer(await TarAsync(scratch["python.tar"], await PythonFilesAsync()), LayoutBuilder.PlainLayer);
        layout.Build();
    }

    private static async Task<byte[]> UserlandAsync()
    {
        var tar = new TarBuilder().Directory("bin").Directory("etc").Directory("tmp", 0x3FF).Directory("root", 0x1C0)
            .Directory("home").Directory("home/student", uid: 1000, gid: 1000).Directory("work", uid: 1000, gid: 1000)
            .File("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nstudent:x:1000:1000::/home/student:/bin/sh\n")
            .File("etc/group", "root:x:0:\nstudent:x:1000:\n")
            .Entry('0', "bin/busybox"u8.ToArray(), File.ReadAllBytes(Busybox), mode: 0x1ED);
        var applets = await RunAsync(Busybox, ["--list"], TestContext.Current.CancellationToken);
        foreach (var applet in applets.StdoutText.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(applet => applet != "busybox")) tar.Symlink($"bin/{applet}", "busybox");
        return tar.Build();
    }

    /// <summary>tar(1)'s arguments for the interpreter, its library and every shared object that they load.</summary>
    private static async Task<IReadOnlyList<string>> PythonFilesAsync()
    {
        var asked = await RunAsync(Python, ["-I", "-c", "import sysconfig; print(sysconfig.get_path('stdlib')); print(sysconfig.get_config_var('EXT_SUFFIX'))"], TestContext.Current.CancellationToken);
        var (library, suffix) = asked.StdoutText.Split('\n') is [var first, var second, ..] ? (first, second) : throw new InvalidDataException($"{Python} says nothing of its library.");
        var extensions = modules.Select(module => $"{library}/lib-dynload/{module}{suffix}").Where(File.Exists).ToList();
        var needed = await RunAsync("ldd", [Python, .. extensions], TestContext.Current.CancellationToken);
        var objects = needed.StdoutText.Split([' ', '\t', '\n']).Where(word => word.StartsWith('/') && !word.EndsWith(':')).Distinct();

        // Links become what they point to: neither the host's /lib -> usr/lib nor its alternatives are in the image.
        string[] all = [Python, .. extensions, .. objects];
        return ["--dereference", "-C", "/", .. all.Select(path => path[1..]), .. leftOut.Select(name => $"--exclude={library[1..]}/{name}"), library[1..]];
    }

    private static async Task<byte[]> TarAsync(string file, IReadOnlyList<string> args)
    {
        await RunAsync("tar", ["--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX", "-cf", file, .. args], TestContext.Current.CancellationToken);
        return await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
    }

    private static Task<ProgramResult> RunAsync(string program, IReadOnlyList<string> args, CancellationToken cancellation) =>
        ProgramRunner.RequireAsync(new ProgramRequest(program, args), cancellation);

    private static void Remove(HostLayout layout, Image image)
    {
        using var images = DirectoryHandle.Open(layout.ImagesDirectory);
        images.RemoveTree(Encoding.UTF8.GetBytes(Path.GetFileName(Path.GetDirectoryName(image.EditableDirectory)!)));
    }
}
