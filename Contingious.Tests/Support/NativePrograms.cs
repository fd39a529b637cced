using System.Collections.Concurrent;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Tests.Support;

[assembly: AssemblyFixture(typeof(NativePrograms))]

namespace Contingious.Tests.Support;

/// <summary>The C programs of <c>Native/</c>: linked statically, so that they run in any image, and compiled once in a test run.</summary>
public sealed class NativePrograms : IDisposable
{
    public const string Gcc = "gcc";
    public const string Musl = "musl-gcc";

    private readonly string directory = Directory.CreateTempSubdirectory("ctg-native-").FullName;
    private readonly ConcurrentDictionary<(string, string), Lazy<Task<byte[]>>> built = new();

    /// <summary>The program as a job's input file of the same name.</summary>
    public async Task<InputFile> FileAsync(string name, string compiler = Gcc) =>
        new(name, await built.GetOrAdd((name, compiler), _ => new Lazy<Task<byte[]>>(() => CompileAsync(name, compiler))).Value, Executable: true);

    public void Dispose() => Directory.Delete(directory, recursive: true);

    private async Task<byte[]> CompileAsync(string name, string compiler)
    {
        Prerequisite.Require(ProgramRunner.Find(compiler) is not null, $"{compiler} (Debian's package {(compiler == Musl ? "musl-tools" : "gcc, and libc6-dev")})");
        var program = $"{directory}/{name}.{compiler}";
        var source = Path.Combine(AppContext.BaseDirectory, "Native", $"{name}.c");
        await ProgramRunner.RequireAsync(new ProgramRequest(compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-static", "-pthread", "-o", program, source), TestContext.Current.CancellationToken);
        return await File.ReadAllBytesAsync(program, TestContext.Current.CancellationToken);
    }
}
