namespace Contingious.Engine.Model;

/// <summary>Told what happens to a run while it happens, from any thread. It must not block, and not throw.</summary>
public interface IRunObserver
{
    /// <summary>A step's command has begun.</summary>
    void StepStarted(string step);

    /// <summary>A step wrote something. The bytes are the callee's to copy; what is beyond the step's output limit is not told.</summary>
    void StepWrote(string step, bool isStderr, ReadOnlySpan<byte> data);

    /// <summary>A step has ended and been accounted for.</summary>
    void StepEnded(StepReport report);

    /// <summary>
    /// The run's report is settled, and only giving the sandbox back is left to do. Its timings do not have that. Not told of a run that could not be begun or that fails,
    /// which ends when everything is given back.
    /// </summary>
    void Concluded(RunReport report);
}
