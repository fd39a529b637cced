using System.Diagnostics;

namespace Contingious.Tests.Runner;

/// <summary>Waits for what another process or thread is to bring about.</summary>
internal static class Eventually
{
    public static async Task IsAsync(Func<bool> condition, string? what = null)
    {
        var begun = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(30), what ?? "It did not come to be within 30 s.");
            await Task.Delay(5);
        }
    }
}
