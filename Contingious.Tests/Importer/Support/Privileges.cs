namespace Contingious.Tests.Importer.Support;

/// <summary>What the tests may do: uid 0 of the host or of a user namespace can give files to other ids.</summary>
internal static class Privileges
{
    public static bool IsRoot => Environment.IsPrivilegedProcess;

    /// <summary>Skips on a laptop, fails in CI.</summary>
    public static void NeedRoot() => Need(IsRoot, "this test gives files to other ids: run it as root or inside the keeper");

    public static void Need(bool met, string reason)
    {
        if (met) return;
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.Skip(reason);
    }
}
