using Contingious.Engine.Images;

namespace Contingious.Tests.Support;

/// <summary>How the sandboxes of this run of the tests get their rootfs: eng/test.sh runs those of the sandbox once for each clone engine.</summary>
internal static class TestedEngine
{
    public static CloneEngine Clones { get; } = Environment.GetEnvironmentVariable("CONTINGIOUS_TEST_CLONES") == "overlay" ? CloneEngine.Overlay : CloneEngine.Split;

    public static bool IsSplit => Clones == CloneEngine.Split;

    /// <summary>The name of an image of the tests, which is another one for each engine.</summary>
    public static string Name(string image) => IsSplit ? image : $"{image}-overlay";
}
