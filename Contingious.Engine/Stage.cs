namespace Contingious.Engine;

/// <summary>
/// The main path, in order. Errors, logs, spans and timings use these names.
/// </summary>
public enum Stage
{
    // Prepare: could be done ahead of time.
    LeaseImage = 1,
    CreateCgroup = 2,
    CloneRootfs = 3,
    WriteSpec = 4,

    // Once for each step.
    CopyIn = 5,
    Launch = 6,
    Wait = 7,
    Stop = 8,
    Account = 9,

    // End.
    CopyOut = 10,
    Release = 11,
}
