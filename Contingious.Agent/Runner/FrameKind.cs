namespace Contingious.Agent.Runner;

/// <summary>What a frame between agent and runner is. The numbers are the protocol.</summary>
internal enum FrameKind : byte
{
    // Asked by an agent.

    /// <summary>The first frame: protocol version, agent's name, pid.</summary>
    Hello = 1,

    /// <summary>Run a job, join its run, or answer with what is kept of it.</summary>
    Run = 2,

    /// <summary>As <see cref="Run"/>, but an unknown job is not begun.</summary>
    Join = 3,

    /// <summary>End a run.</summary>
    Cancel = 4,

    /// <summary>The broker has the job's result for good.</summary>
    Settle = 5,

    /// <summary>Tell the jobs that run or are not settled.</summary>
    List = 6,

    /// <summary>Take no new jobs, and end when nothing runs.</summary>
    Retire = 7,

    // Told by a runner. The first four end what was asked.

    /// <summary>The answer to <see cref="Hello"/>: protocol version, fingerprint, pid, whether it is retiring.</summary>
    Welcome = 64,

    Answer = 65,

    /// <summary>The host has no room now; nothing was begun.</summary>
    NoRoom = 66,

    /// <summary>The run was given up.</summary>
    Abandoned = 67,

    /// <summary>Nothing is known of the job that was to be joined.</summary>
    Unknown = 68,

    /// <summary>The runner takes no new jobs.</summary>
    Retiring = 69,

    /// <summary>What was asked for was done.</summary>
    Done = 70,

    /// <summary>Something happened to a job that was asked for.</summary>
    Event = 71,

    /// <summary>One of the jobs that <see cref="List"/> asks for.</summary>
    Entry = 72,
}
