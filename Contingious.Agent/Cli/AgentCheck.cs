using System.Net.Sockets;
using Contingious.Agent.Configuration;
using Contingious.Agent.Queue;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Host;

namespace Contingious.Agent.Cli;

/// <summary>Looks at all that an agent needs ahead of its start, and changes nothing. Each line says how to mend what it found.</summary>
internal static class AgentCheck
{
    /// <summary>One part of the check: what it looked at. A fault that it throws becomes a finding.</summary>
    public delegate Task<IReadOnlyList<Finding>> Part(OperatorConfig config, CancellationToken cancellation);

    /// <summary>What is looked at beside the configuration and the host.</summary>
    public static IReadOnlyList<(string Name, Part Part)> Parts { get; } =
    [
        ("broker", BrokerCheck.ConnectAsync),
        ("health pages", ExamineListenAsync),
        ("collector", ExamineCollectorAsync),
    ];

    /// <param name="read">Reads the configuration.</param>
    /// <param name="doctor">Examines the host.</param>
    /// <param name="parts">What else is looked at; none of it where the configuration is wrong.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<IReadOnlyList<Finding>> RunAsync(
        Func<OperatorConfig> read, Func<CancellationToken, Task<IReadOnlyList<Finding>>> doctor, IReadOnlyList<(string Name, Part Part)> parts, CancellationToken cancellation)
    {
        var findings = new List<Finding>();
        OperatorConfig? config = null;
        try
        {
            config = read();
            findings.Add(new Finding(Severity.Ok, "configuration", config.File is { } file ? $"{file} says nothing wrong." : "There is no file: all is as documented.", ""));
            findings.AddRange(config.Warnings.Select(warning => new Finding(Severity.Warning, "configuration", warning, "")));
        }
        catch (ContingiousException error)
        {
            findings.AddRange(error.Message.Split('\n').Select(line => new Finding(Severity.Fatal, "configuration", line, "")));
        }

        await LookAsync("host", findings, () => doctor(cancellation), cancellation).ConfigureAwait(false);
        if (config is null) return findings;
        foreach (var (name, part) in parts) await LookAsync(name, findings, () => part(config, cancellation), cancellation).ConfigureAwait(false);
        return findings;
    }

    private static async Task LookAsync(string name, List<Finding> findings, Func<Task<IReadOnlyList<Finding>>> look, CancellationToken cancellation)
    {
        try
        {
            findings.AddRange(await look().ConfigureAwait(false));
        }
        catch (Exception error) when (error is ContingiousException or IOException or UnauthorizedAccessException && !cancellation.IsCancellationRequested)
        {
            findings.Add(new Finding(Severity.Fatal, name, error.Message, ""));
        }
    }

    private static Task<IReadOnlyList<Finding>> ExamineListenAsync(OperatorConfig config, CancellationToken cancellation)
    {
        if (config.Telemetry.Listen is not { } address) return Task.FromResult<IReadOnlyList<Finding>>([]);
        try
        {
            using var probe = new TcpListener(address);
            probe.Start();
            return Task.FromResult<IReadOnlyList<Finding>>([new Finding(Severity.Ok, "health pages", $"{address} can be listened on.", "")]);
        }
        catch (SocketException error)
        {
            // By an agent that runs, mostly.
            return Task.FromResult<IReadOnlyList<Finding>>([new Finding(Severity.Warning, "health pages", $"{address} (telemetry.listen) cannot be listened on now: {error.Message}.", $"ss -ltnp 'sport = :{address.Port}'")]);
        }
    }

    private static async Task<IReadOnlyList<Finding>> ExamineCollectorAsync(OperatorConfig config, CancellationToken cancellation)
    {
        if (config.Telemetry.OtlpHeadersFile is { } file) _ = Telemetry.OtlpHeaders.Read(file);
        if (config.Telemetry.OtlpEndpoint is not { } endpoint) return [];
        try
        {
            using var probe = new TcpClient();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(TimeSpan.FromSeconds(5));
            await probe.ConnectAsync(endpoint.Host, endpoint.Port, patience.Token).ConfigureAwait(false);
            return [new Finding(Severity.Ok, "collector", $"{endpoint.Host}:{endpoint.Port} answers.", "")];
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return [new Finding(Severity.Warning, "collector", $"{endpoint.Host}:{endpoint.Port} (telemetry.otlp.endpoint) does not answer: what is sent there is lost until it does.", "")];
        }
    }
}

/// <summary>What an agent needs of the broker.</summary>
internal static class BrokerCheck
{
    /// <exception cref="ContingiousException">It does not answer, refuses the account, or has other queues of that name.</exception>
    public static async Task<IReadOnlyList<Finding>> ConnectAsync(OperatorConfig config, CancellationToken cancellation)
    {
        var broker = BrokerOptions.Create(config.Broker);
        var problems = await BrokerSetup.CheckAsync(broker, LiveParts.LongestHold(config.Agent), cancellation).ConfigureAwait(false);
        if (problems.Count == 0) return [new Finding(Severity.Ok, "broker", $"{broker.Address} takes connections of {broker.User}, and its queues are as they should be.", "")];
        return Of(broker, problems);
    }

    /// <summary>A new broker lacks all parts: that is one finding, and no fault where the agent declares them itself.</summary>
    internal static IReadOnlyList<Finding> Of(BrokerOptions broker, IReadOnlyList<BrokerProblem> problems)
    {
        var findings = new List<Finding>();
        if (Parts(BrokerProblemKind.Missing) is { Length: > 0 } missing)
        {
            findings.Add(new Finding(Severity.Warning, "broker", $"{broker.Address} does not have: {missing}. The agent declares what is missing when it starts.", "contingious broker setup"));
        }

        if (Parts(BrokerProblemKind.MissingForGood) is { Length: > 0 } forbidden)
        {
            findings.Add(new Finding(Severity.Fatal, "broker", $"{broker.Address} does not have: {forbidden}. The user {broker.User} may not declare it: somebody who may has to.", "contingious broker setup"));
        }

        findings.AddRange(problems.Where(problem => problem.Kind is BrokerProblemKind.Otherwise or BrokerProblemKind.HeldTooLong).Select(problem => new Finding(Severity.Fatal, "broker", problem.Text, "")));
        return findings;

        string Parts(BrokerProblemKind kind) => string.Join(", ", problems.Where(problem => problem.Kind == kind).Select(problem => $"the {problem.Part}"));
    }
}
