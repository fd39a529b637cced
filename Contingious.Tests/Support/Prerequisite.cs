namespace Contingious.Tests.Support;

/// <summary>What a host may lack: a test is skipped for it on a laptop, and fails for it in CI.</summary>
internal static class Prerequisite
{
    public static bool IsContinuousIntegration => Environment.GetEnvironmentVariable("CI") == "true";

    public static void Require(bool isThere, string what)
    {
        if (isThere) return;
        if (IsContinuousIntegration) Assert.Fail($"Missing: {what}");
        Assert.Skip($"Missing: {what}");
    }
}
