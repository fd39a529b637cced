using Contingious.Engine.Host;

namespace Contingious.Tests.Host;

public sealed class AccountFileTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("contingious-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task Only_a_small_regular_file_is_read()
    {
        await File.WriteAllTextAsync($"{directory}/plain", "{}\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync($"{directory}/large", new string(' ', 4097), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync($"{directory}/empty", "", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink($"{directory}/endless", "/dev/zero");
        File.CreateSymbolicLink($"{directory}/link", $"{directory}/plain");
        Directory.CreateDirectory($"{directory}/directory");
        await Engine.Programs.ProgramRunner.RequireAsync(new Engine.Programs.ProgramRequest("mkfifo", $"{directory}/fifo"), TestContext.Current.CancellationToken);
        Assert.Equal("{}\n"u8.ToArray(), AccountFile.TryRead($"{directory}/plain"));
        foreach (var name in new[] { "large", "empty", "endless", "link", "directory", "fifo", "absent", "absent/absent" })
        {
            var read = Task.Run(() => AccountFile.TryRead($"{directory}/{name}"), TestContext.Current.CancellationToken);
            Assert.Null(await read.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        }
    }
}
