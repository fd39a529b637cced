using System.Diagnostics;
using Contingious.Agent.Queue;

namespace Contingious.Tests.Support;

/// <summary>The real agent program, started as an operator would.</summary>
internal sealed class AgentProcess : IAsyncDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> log = [];

    private readonly string awaited;

    private AgentProcess(BrokerOptions broker, int slots, string? account, IReadOnlyDictionary<string, string>? env, string awaited)
    {
        this.awaited = awaited;
        var start = new ProcessStartInfo(Cli.Path, ["agent", "--slots", $"{slots}", "--queue-prefix", broker.Prefix, "--name", account ?? "grader"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["CONTINGIOUS_BROKER"] = broker.Uri.ToString();
        if (account is not null) start.Environment["CONTINGIOUS_ACCOUNT"] = account;
        foreach (var (name, value) in env ?? new Dictionary<string, string>()) start.Environment[name] = value;
        process = Process.Start(start) ?? throw new InvalidOperationException("The agent did not start.");
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Pid => process.Id;

    public string Log
    {
        get
        {
            lock (log) return string.Join('\n', log);
        }
    }

    /// <param name="broker">Where its jobs come from.</param>
    /// <param name="slots">Jobs at once.</param>
    /// <param name="account">Whose agent, where root starts one that is not the service account's; it is named so too.</param>
    /// <param name="env">Further variables of its environment.</param>
    /// <param name="awaited">What it logs once it is as the test wants it.</param>
    public static async Task<AgentProcess> StartAsync(BrokerOptions broker, int slots, string? account = null, IReadOnlyDictionary<string, string>? env = null, string awaited = "ready")
    {
        var agent = new AgentProcess(broker, slots, account, env, awaited);
        var ended = agent.process.WaitForExitAsync();
        if (await Task.WhenAny(agent.ready.Task, ended, Task.Delay(patience)) == agent.ready.Task) return agent;

        // Or it would keep its account's place from every agent after it.
        await agent.DisposeAsync();
        throw new InvalidOperationException($"The agent did not say '{awaited}':\n{agent.Log}");
    }

    /// <summary>SIGTERM, as a service manager sends it; the exit code.</summary>
    public async Task<int> StopAsync()
    {
        Cli.Signal(process.Id, 15);
        await process.WaitForExitAsync().WaitAsync(patience);
        return process.ExitCode;
    }

    /// <summary>SIGKILL: the agent gives nothing back.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();

        process.Dispose();
    }

    private void Note(string? line)
    {
        if (line is null) return;
        lock (log) log.Add(line);
        if (line.Contains(awaited, StringComparison.Ordinal)) ready.TrySetResult();
    }
}
