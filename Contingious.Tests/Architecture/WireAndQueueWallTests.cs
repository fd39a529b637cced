using System.Text.RegularExpressions;
using Contingious.Tests.Support;

namespace Contingious.Tests.Architecture;

public sealed partial class WireAndQueueWallTests
{
    [Fact]
    public void Only_the_queue_folder_uses_RabbitMQ() => AssertOnlyIn("Contingious.Agent/Queue/", RabbitUse());

    [Fact]
    public void Only_the_wire_folder_knows_MessagePack() => AssertOnlyIn("Contingious.Agent/Wire/", MessagePackUse());

    private static void AssertOnlyIn(string folder, Regex use)
    {
        var users = Directory.EnumerateFiles(Repository.Root, "*.cs", SearchOption.AllDirectories)
            .Select(path => (Path: Path.GetRelativePath(Repository.Root, path), Full: path))
            .Where(file => file.Path.StartsWith("Contingious.", StringComparison.Ordinal)
                && !file.Path.StartsWith("Contingious.Tests/", StringComparison.Ordinal)
                && !file.Path.Contains("/obj/", StringComparison.Ordinal))
            .Where(file => use.IsMatch(File.ReadAllText(file.Full)))
            .Select(file => file.Path)
            .ToArray();
        Assert.NotEmpty(users);
        Assert.All(users, path => Assert.StartsWith(folder, path, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\b(using|global::)\s*RabbitMQ\b")]
    private static partial Regex RabbitUse();

    [GeneratedRegex(@"\bMessagePack(Reader|Writer|Kind|Token|Timestamp|Serializer|Object)\b|using MessagePack\b")]
    private static partial Regex MessagePackUse();
}
