using Contingious.Engine.Programs;
using Contingious.Tests.Support;

namespace Contingious.Tests.Host;

/// <summary>Commands in a user namespace that no live keeper has, as it is for what a keeper that was killed leaves.</summary>
public sealed class ForeignNamespaceTests
{
    [Fact]
    public async Task A_runner_inside_a_keeper_that_is_no_more_says_so_to_whoever_started_it()
    {
        RootOnly.Require();
        var directory = Directory.CreateTempSubdirectory("ctg-foreign-").FullName;
        File.SetUnixFileMode(directory, (UnixFileMode)0b111_111_111);
        var failure = $"{directory}/a.failed";
        var request = new ProgramRequest("setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups", "unshare", "--user", "--map-root-user", Cli.Path, "runner", "--id", "a", "--failure", failure);
        try
        {
            await Assert.ThrowsAnyAsync<Exception>(() => ProgramRunner.RequireAsync(request, TestContext.Current.CancellationToken));
            Assert.StartsWith("This process is in a user namespace of daemon that is not its keeper's", await File.ReadAllTextAsync(failure, TestContext.Current.CancellationToken), StringComparison.Ordinal);
            Assert.Equal([failure], Directory.EnumerateFileSystemEntries(directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
