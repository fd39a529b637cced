using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Agent.Measuring;

/// <summary>What sandboxes of an image cost on this host.</summary>
/// <param name="Image">The image, as it was named.</param>
/// <param name="Command">What each job ran.</param>
/// <param name="Cold">Jobs whose sandboxes were made when they came.</param>
/// <param name="Warm">Jobs whose sandboxes were there; nothing where the pool is off, or none came to be.</param>
/// <param name="Rates">Jobs without a pause between them.</param>
/// <param name="Clones">Ways to give a job its rootfs.</param>
/// <param name="Advice">What follows, a sentence each.</param>
internal sealed record BenchReport(
    string Image,
    IReadOnlyList<string> Command,
    PathTimes Cold,
    PathTimes? Warm,
    IReadOnlyList<Rate> Rates,
    IReadOnlyList<CloneTimes> Clones,
    IReadOnlyList<string> Advice);

/// <summary>What one job took that came alone.</summary>
/// <param name="ToStart">From when the engine had it to right before its command's first instruction.</param>
/// <param name="ToReport">To when its result was whole.</param>
/// <param name="Whole">To when the sandbox was given back.</param>
/// <param name="Stages">The stages of the main path, in order.</param>
internal sealed record PathTimes(Spread ToStart, Spread ToReport, Spread Whole, IReadOnlyList<StageTimes> Stages);

/// <summary>One of <see cref="Engine.Stage"/>.</summary>
internal sealed record StageTimes(string Stage, Spread Time);

/// <summary>So many jobs a second, with so many at once.</summary>
internal sealed record Rate(int AtOnce, double JobsPerSecond);

/// <summary>One way to give a job its rootfs.</summary>
/// <param name="Method">How contents are copied; nothing where nothing is.</param>
internal sealed record CloneTimes(CloneEngine Engine, DiskBackend Disk, CopyMethod? Method, Spread Time);
