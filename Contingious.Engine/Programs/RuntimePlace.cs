using System.Globalization;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Programs;

/// <summary>Where a runtime and what it starts are while one step runs.</summary>
/// <param name="step">The step's own cgroup.</param>
/// <param name="joined">The one that the runtime joins before anything else: the step's, or one beside it.</param>
/// <param name="start">The one that the runtime makes and puts the container's first process into; nothing where that stays with the runtime.</param>
internal sealed class RuntimePlace(Cgroup step, Cgroup joined, Cgroup? start)
{
    private TimeSpan counted;

    public IReadOnlyList<string> JoinFiles => joined.JoinFiles;

    /// <summary>The container's first process is there, and waits: from here on it is the step's.</summary>
    /// <returns>CPU time that was used for it beside the step.</returns>
    public TimeSpan HandOver(int pid)
    {
        if (start is null) return TimeSpan.Zero;
        foreach (var file in step.JoinFiles) KernelFile.Write(file, pid.ToString(CultureInfo.InvariantCulture));
        counted = joined.ReadCpuTime();
        return counted + start.ReadCpuTime();
    }

    /// <summary>CPU time that the runtime has used beside the step since <see cref="HandOver"/>, or since this was last asked.</summary>
    public TimeSpan TakeCpuTime()
    {
        if (start is null) return TimeSpan.Zero;
        var (before, now) = (counted, joined.ReadCpuTime());
        counted = now;
        return now - before;
    }

    /// <summary>Kills what has not come to be the step's.</summary>
    public async Task KillAsync(TimeSpan patience, TimeProvider time)
    {
        // The runtime removes it behind a container that has ended.
        if (start is not null) _ = await start.KillAsync(spared: 0, patience, time).ConfigureAwait(false);
    }
}
