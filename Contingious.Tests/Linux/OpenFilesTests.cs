using System.Globalization;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Tests.Linux;

public sealed class OpenFilesTests
{
    [Fact]
    public async Task A_process_allows_itself_as_many_as_it_may()
    {
        var (_, most) = Limits();
        var low = Math.Min(2048, most - 1);
        await ProgramRunner.RequireAsync(new ProgramRequest("prlimit", "--pid", $"{Environment.ProcessId}", string.Create(CultureInfo.InvariantCulture, $"--nofile={low}:")), TestContext.Current.CancellationToken);
        Assert.Equal((low, most), Limits());
        OpenFiles.AllowMost();
        Assert.Equal((most, most), Limits());
    }

    private static (long Soft, long Hard) Limits()
    {
        var words = File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return (long.Parse(words[3], CultureInfo.InvariantCulture), long.Parse(words[4], CultureInfo.InvariantCulture));
    }
}
