using Contingious.Engine;
using Contingious.Engine.Linux;

namespace Contingious.Agent.Runner;

/// <summary>
/// The agent after this one, where a service manager watches: this same process, become whatever program is installed by then. So the manager's main process
/// stays, and so does the cgroup with all that runs in it; into one with such children systemd before 254 cannot start a new process (docs/decisions/0014).
/// </summary>
internal sealed class NextAgent
{
    // Set for the agent that a process becomes.
    private const string Variable = "CONTINGIOUS_NEXT";

    private readonly string program;
    private readonly IReadOnlyList<string> args;
    private readonly Dictionary<string, string> env;

    private NextAgent(string program, IReadOnlyList<string> args, Dictionary<string, string> env)
    {
        this.program = program;
        this.args = args;
        this.env = env;
    }

    /// <summary>What it will be started with: taken before the environment is cleared of what is this process's own. Nothing where no manager asked to be told.</summary>
    public static NextAgent? OfService(IReadOnlyList<string> args)
    {
        var env = ProcessImage.Environment();
        return env.ContainsKey(NotifySocket.Variable) && Environment.ProcessPath is { } program ? new NextAgent(program, args, env) : null;
    }

    /// <summary>Takes the mark off that a process which became one has. What it starts has none.</summary>
    /// <returns>Whether there was one: jobs may run that would end with this process.</returns>
    public static bool TakeMark()
    {
        var isMarked = Environment.GetEnvironmentVariable(Variable) is not null;
        Environment.SetEnvironmentVariable(Variable, null);
        return isMarked;
    }

    /// <summary>Becomes it; returns only by failing.</summary>
    public Exception Become()
    {
        env[Variable] = "1";
        return ProcessImage.Replace(program, args, env);
    }
}
