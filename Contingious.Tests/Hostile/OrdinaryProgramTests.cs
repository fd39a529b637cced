using Contingious.Engine.Images;
using Contingious.Engine.Programs;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Hostile;

/// <summary>The filter that stops the hostile ones is not noticed by programs that want nothing unusual.</summary>
[Trait("Needs", "keeper")]
public sealed class OrdinaryProgramTests(EngineFixture engine, NativePrograms native)
{
    private const string PythonImage = "test-python";

    [Theory]
    [InlineData(NativePrograms.Gcc)]
    [InlineData(NativePrograms.Musl)]
    public async Task A_C_program_of_glibc_or_musl_runs_unharmed(string compiler)
    {
        var report = await engine.RunNativeAsync(await native.FileAsync("ordinary", compiler), "./ordinary");
        Assert.Equal("all well\n", report.RequireOk());
    }

    [Fact]
    public async Task Every_feature_of_CPython_that_leans_on_the_kernel_works()
    {
        await engine.EngineAsync();
        var python = await ImportPythonAsync();
        var script = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Native", "ordinary.py"), TestContext.Current.CancellationToken);
        var report = await engine.RunAsync([python, "ordinary.py"], job: request => request with { Image = PythonImage, Files = [new("ordinary.py", script)] });
        Assert.Equal("all well\n", report.RequireOk());
    }

    // The host's own Python, its standard library, and the shared objects that both name: one layer, as the loader wants it.
    private async Task<string> ImportPythonAsync()
    {
        Prerequisite.Require(File.Exists("/usr/bin/python3"), "/usr/bin/python3 (Debian's package python3)");
        var found = await ShellAsync("""
            set -e
            python=$(readlink -f /usr/bin/python3)
            library=$($python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
            echo $python
            echo $library
            ldd $python $library/lib-dynload/*.so | grep -o '/[^ ]*\.so[^ ]* ' | sort -u
            """);
        var paths = found.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        using var scratch = new ScratchDirectory();
        var tar = scratch["python.tar"];
        await ShellAsync($"tar --create --dereference --exclude=test --exclude=ensurepip --exclude='config-*' --owner=0 --group=0 --file {tar} -C / {string.Join(' ', paths.Select(path => path[1..]))}");
        Directory.CreateDirectory(scratch["layout"]);
        new LayoutBuilder(scratch["layout"]) { Config = """{"User":"1000:1000","WorkingDir":"/work","Env":["HOME=/work"]}""" }
            .Layer(new TarBuilder().Directory("work", uid: 1000, gid: 1000).Directory("tmp", mode: 0x3FF).Build())
            .Layer(await File.ReadAllBytesAsync(tar, TestContext.Current.CancellationToken))
            .Build();
        var request = new ImportRequest { Name = ImageReference.Parse(PythonImage), Source = $"oci:{scratch["layout"]}", Editable = ["/work", "/tmp"], Overrides = new ConfigOverrides() };
        await new ImageImporter(new ImageStore(engine.Layout.ImagesDirectory), engine.Layout.StagingDirectory).ImportAsync(request, progress: null, TestContext.Current.CancellationToken);
        return paths[0];
    }

    private static async Task<string> ShellAsync(string script) =>
        (await ProgramRunner.RequireAsync(new ProgramRequest("sh", "-c", script), TestContext.Current.CancellationToken)).StdoutText;
}
