using Contingious.Engine.Linux;

namespace Contingious.Tests.Host;

/// <summary>For tests that change owners, accounts or devices. The root of a user namespace cannot.</summary>
internal static class RootOnly
{
    public static void Require()
    {
        Assert.SkipWhen(Credentials.EffectiveUid != 0 || HostPath.IsApartFromHost, "Only the host's root can make accounts, devices and owners.");
    }
}
