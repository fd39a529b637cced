using System.Diagnostics.CodeAnalysis;

namespace Contingious.Tests.Support;

/// <summary>What a test needs of its host: missing, it is skipped on a laptop, and fails in CI.</summary>
internal static class Needs
{
    public static bool IsCi => Environment.GetEnvironmentVariable("CI") is "true" or "1";

    [DoesNotReturn]
    public static void Missing(string what)
    {
        if (IsCi) Assert.Fail($"This host lacks {what}.");
        Assert.Skip($"This host lacks {what}.");
    }
}
