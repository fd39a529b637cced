namespace Contingious.Tests.Support;

/// <summary>The source tree that the tests were built from.</summary>
internal static class Repository
{
    private static readonly Lazy<string?> FoundRoot = new(FindRoot);

    public static string Root => FoundRoot.Value ?? throw new DirectoryNotFoundException($"No Contingious.sln above {AppContext.BaseDirectory}.");

    /// <summary>Peers' test data, which is not part of the project: beside it, or where CONTINGIOUS_TESTDATA says.</summary>
    public static string? FindTestData(string name)
    {
        var directory = Environment.GetEnvironmentVariable("CONTINGIOUS_TESTDATA") is { Length: > 0 } given
            ? given
            : FoundRoot.Value is { } root ? Path.Combine(root, "..", "shared", "testdata") : null;
        var path = directory is null ? null : Path.Combine(directory, name);
        return File.Exists(path) ? path : null;
    }

    private static string? FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Contingious.sln"))) return directory.FullName;
        }

        return null;
    }
}
