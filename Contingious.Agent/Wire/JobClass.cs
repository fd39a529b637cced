namespace Contingious.Agent.Wire;

/// <summary>The kinds of jobs, each with a queue of its own. Which one a job is of is said by the queue it was posted to.</summary>
public enum JobClass
{
    /// <summary>An exam is on: somebody waits, and many at once.</summary>
    Exam,

    /// <summary>A student waits for the verdict.</summary>
    Interactive,

    /// <summary>Nobody waits.</summary>
    Batch,

    /// <summary>Submissions that were graded before are run again.</summary>
    Replay,
}
