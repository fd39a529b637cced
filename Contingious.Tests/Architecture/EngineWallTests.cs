using System.Xml.Linq;
using Contingious.Tests.Support;

namespace Contingious.Tests.Architecture;

public sealed class EngineWallTests
{
    [Theory]
    [InlineData("Contingious.Engine", "")]
    [InlineData("Contingious.Importer", "Contingious.Engine")]
    [InlineData("Contingious.Agent", "Contingious.Engine Contingious.Importer")]
    public void A_project_references_only_those_below_it(string project, string below)
    {
        var references = XDocument.Load($"{Repository.Root}/{project}/{project}.csproj").Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Equal(below.Split(' ', StringSplitOptions.RemoveEmptyEntries), references.Order());
    }

    [Theory]
    [InlineData("LibraryImport", "Contingious.Engine/Linux/")]
    [InlineData("DllImport", "Contingious.Engine/Linux/")]
    [InlineData(" unsafe ", "Contingious.Engine/Linux/")]
    [InlineData("Process.Start(", "Contingious.Engine/Programs/ProgramRunner.cs")]
    [InlineData("using System.CommandLine", "Contingious.Agent/Cli/")]
    public void Only_one_place_uses(string what, string place)
    {
        var users = Sources().Where(file => File.ReadAllText($"{Repository.Root}/{file}").Contains(what, StringComparison.Ordinal)).ToList();
        Assert.All(users, file => Assert.StartsWith(place, file, StringComparison.Ordinal));
        Assert.True(what == "DllImport" || users.Count > 0, $"nobody uses {what} any more: the wall guards nothing");
    }

    [Fact]
    public void The_Linux_folder_knows_nothing_else_of_ours()
    {
        foreach (var file in Sources().Where(file => file.StartsWith("Contingious.Engine/Linux/", StringComparison.Ordinal)))
        {
            Assert.DoesNotContain("using Contingious.", File.ReadAllText($"{Repository.Root}/{file}"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_source_file_is_longer_than_400_lines() =>
        Assert.All(Sources(), file => Assert.True(File.ReadLines($"{Repository.Root}/{file}").Count() <= 400, $"{file} is longer than 400 lines"));

    private static List<string> Sources()
    {
        var sources = new[] { "Contingious.Engine", "Contingious.Importer", "Contingious.Agent" }
            .SelectMany(project => Directory.EnumerateFiles($"{Repository.Root}/{project}", "*.cs", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal))
            .ToList();
        Assert.True(sources.Count > 50);
        return sources;
    }
}
