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

    private AgentProcess(BrokerOptions broker, int slots)
    {
        var start = new ProcessStartInfo(Cli.Path, ["agent", "--slots", $"{slots}", "--queue-prefix", broker.Prefix]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["CONTINGIOUS_BROKER"] = broker.Uri.ToString();
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

    public static async Task<AgentProcess> StartAsync(BrokerOptions broker, int slots)
    {
        var agent = new AgentProcess(broker, slots);
        var ended = agent.process.WaitForExitAsync();
        if (await Task.WhenAny(agent.ready.Task, ended, Task.Delay(patience)) != agent.ready.Task) Assert.Fail($"The agent did not become ready:\n{agent.Log}");
        return agent;
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
        if (line.Contains("ready", StringComparison.Ordinal)) ready.TrySetResult();
    }
}
