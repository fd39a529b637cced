namespace Contingious.Tests.Support;

/// <summary>The long tests: run by <c>eng/test.sh --soak</c> only.</summary>
internal static class Soak
{
    public static bool IsAsked => Environment.GetEnvironmentVariable("CONTINGIOUS_SOAK") == "1";

    public static void Require()
    {
        if (!IsAsked) Assert.Skip("A long test: eng/test.sh --soak");
    }
}
