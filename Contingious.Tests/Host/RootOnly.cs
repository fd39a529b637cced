using Contingious.Engine.Linux;

namespace Contingious.Tests.Host;

/// <summary>For tests that change owners, accounts or devices: skipped on a laptop, a failure in CI.</summary>
internal static class RootOnly
{
    public static void Require()
    {
        if (HostPath.EffectiveUser == 0) return;
        if (Environment.GetEnvironmentVariable("CI") == "true") Assert.Fail("In CI these tests run as root, and this process is not root's.");
        Assert.Skip("Only root can make accounts, devices and owners.");
    }
}
