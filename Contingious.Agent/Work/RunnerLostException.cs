using Contingious.Engine;

namespace Contingious.Agent.Work;

/// <summary>A runner ended while jobs ran in it. Each of them hears so; it is one fault of this host all the same.</summary>
/// <param name="runner">Its id.</param>
/// <param name="message">A sentence for people.</param>
public sealed class RunnerLostException(string runner, string message) : ContingiousException(message)
{
    /// <summary>The id of the runner that ended.</summary>
    public string Runner => runner;
}
