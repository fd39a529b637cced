using System.Collections.Concurrent;

namespace Contingious.Tests.Graders;

/// <summary>What was imported by this run of the tests.</summary>
internal static class Imported
{
    private static readonly ConcurrentDictionary<string, Lazy<Task>> all = new(StringComparer.Ordinal);

    public static Task OnceAsync(string name, Func<Task> import) => all.GetOrAdd(name, _ => new Lazy<Task>(import)).Value;
}
