using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;

namespace Contingious.Tests.Support;

/// <summary>What the sandboxes of this run of the tests are made with: their rootfs by which clone engine, their containers by which runtime.</summary>
internal static class TestedEngine
{
    public static CloneEngine Clones { get; } = Environment.GetEnvironmentVariable("CONTINGIOUS_TEST_CLONES") == "overlay" ? CloneEngine.Overlay : CloneEngine.Split;

    /// <summary>By the configuration's own variable, which the command line goes by too.</summary>
    public static RuntimeKind Runtime { get; } = Environment.GetEnvironmentVariable("CONTINGIOUS_RUNTIME") == "runc" ? RuntimeKind.Runc : RuntimeKind.Crun;

    /// <summary>Whether every job that can be is run in a sandbox that was made ahead of it.</summary>
    public static bool IsWarm { get; } = Environment.GetEnvironmentVariable("CONTINGIOUS_TEST_WARM") == "yes";

    /// <summary>What an engine of the tests is opened with.</summary>
    public static EngineOptions Options { get; } = EngineOptions.Default with { Runtime = Runtime, Pool = IsWarm ? new PoolOptions { OnDemand = true } : PoolOptions.Off };

    public static bool IsSplit => Clones == CloneEngine.Split;

    /// <summary>The name of an image of the tests, which is another one for each engine.</summary>
    public static string Name(string image) => IsSplit ? image : $"{image}-overlay";
}
