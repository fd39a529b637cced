using System.Globalization;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Agent.Measuring;

/// <summary>What an operator can do about what was measured. Only what the figures bear out is said.</summary>
internal static class Advice
{
    /// <summary>Less than this many milliseconds is not worth a change.</summary>
    private const double Slight = 5;

    /// <summary>From here on the clone is what a job waits for.</summary>
    private const double ShareOfStart = 0.3;

    public static IReadOnlyList<string> Of(Image image, EngineOptions options, PathTimes cold, PathTimes? warm, IReadOnlyList<Rate> rates, IReadOnlyList<CloneTimes> clones) =>
        [Slots(rates), Pool(options, cold, warm), .. Cgroup(cold), .. Clone(image, cold, clones)];

    private static string Slots(IReadOnlyList<Rate> rates)
    {
        // As few as do as much: more only share the CPUs, and each job's time grows.
        var best = rates.Max(rate => rate.JobsPerSecond);
        var enough = rates.First(rate => rate.JobsPerSecond >= 0.95 * best);
        return Text($"agent.slots: {enough.AtOnce} for jobs that compute ({enough.JobsPerSecond:0} a second of this one, which does nothing); more only where jobs mostly wait.");
    }

    private static string Pool(EngineOptions options, PathTimes cold, PathTimes? warm)
    {
        if (options.Pool.Most == 0) return "pool.size is 0: no sandbox is made ahead. With 1 or more a job starts without waiting for its sandbox; measure again to see what that saves.";
        if (warm is null) return "pool.size: no sandbox came to be made ahead. Memory, ids or cgroups are short, or other jobs take all CPUs; 'contingious doctor' looks at the first three.";
        return Text($"pool.size: {options.Pool.Most}. A job that finds a sandbox made ahead starts {cold.ToStart.P50 - warm.ToStart.P50:0.0} ms sooner, {cold.ToStart.P50 / warm.ToStart.P50:0.0} times as fast. Where many come at one moment, pool.least is how many are kept of each image.");
    }

    // What the kernel waits for there is the end of all readers of its lock for moving processes, which favordynmods keeps from being waited for.
    private static IEnumerable<string> Cgroup(PathTimes cold)
    {
        var time = cold.Stages.Where(stage => stage.Stage is nameof(Stage.CreateCgroup) or nameof(Stage.Launch)).Sum(stage => stage.Time.P50);
        if (time > 4 * Slight && time > cold.ToStart.P50 / 2)
        {
            yield return Text($"Making the cgroup and starting the runtime in it took {time:0.0} ms of {cold.ToStart.P50:0.0}. Where the kernel is 6.0 or later, mounting cgroups with favordynmods can shorten that (Documentation/admin-guide/cgroup-v2.rst).");
        }
    }

    private static IEnumerable<string> Clone(Image image, PathTimes cold, IReadOnlyList<CloneTimes> clones)
    {
        CloneTimes? Find(CloneEngine engine, DiskBackend disk) => clones.FirstOrDefault(clone => clone.Engine == engine && clone.Disk == disk);
        var (memory, disk, overlay) = (Find(CloneEngine.Split, DiskBackend.Tmpfs), Find(CloneEngine.Split, DiskBackend.Watched), Find(CloneEngine.Overlay, DiskBackend.Tmpfs));
        var own = image.CloneEngine == CloneEngine.Overlay ? overlay : memory;
        if (own is null) yield break;
        if (own.Time.P50 < Slight || own.Time.P50 < ShareOfStart * cold.ToStart.P50)
        {
            yield return Text($"The clone takes {own.Time.P50:0.0} ms: nothing to gain there.");
            yield break;
        }

        if (image.CloneEngine == CloneEngine.Split)
        {
            yield return Text($"The clone of {new ByteSize(image.EditableBytes)} in {image.EditableFiles} files takes {own.Time.P50:0.0} ms of each job. 'contingious import --learn' finds what of it no job writes, which can be read-only.");
            if (overlay is not null && overlay.Time.P50 < own.Time.P50 / 2) yield return Text($"An overlay takes {overlay.Time.P50:0.0} ms ('contingious import --clone-engine overlay'); what a job then writes for the first time is copied at that moment, with the whole of its file.");
        }

        if (disk?.Method == CopyMethod.Clone && disk.Time.P50 < own.Time.P50 / 2) yield return Text($"The image store's file system shares blocks: a clone on it takes {disk.Time.P50:0.0} ms. Slots of disk there ('contingious setup --disk-slots') make use of that.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
