using System.Text;
using Contingious.Agent.Cli;
using Contingious.Agent.Configuration;
using Contingious.Agent.Queue;
using Contingious.Engine;
using Contingious.Engine.Host;

namespace Contingious.Tests.Commands;

public sealed class AgentCheckTests
{
    [Fact]
    public async Task A_wrong_configuration_is_a_finding_for_each_fault_and_the_host_is_examined_all_the_same()
    {
        var findings = await AgentCheck.RunAsync(
            () => OperatorConfig.Parse("""{ "agent": { "slots": 0, "tries": 0 } }"""u8.ToArray(), "/etc/x.json"),
            _ => Task.FromResult<IReadOnlyList<Finding>>([Finding.Ok("host", "fine")]),
            [("broker", (_, _) => throw new InvalidOperationException("not looked at"))],
            TestContext.Current.CancellationToken);
        Assert.Equal([Severity.Fatal, Severity.Fatal, Severity.Ok], findings.Select(finding => finding.Severity));
        Assert.Contains("agent.tries", findings[1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_part_throws_is_a_finding_and_the_next_is_looked_at()
    {
        var findings = await AgentCheck.RunAsync(
            () => Config("{}"),
            _ => throw new HostNotReadyException("This host is not prepared yet."),
            [("broker", (_, _) => throw new ContingiousException("No broker answers.")), ("other", (_, _) => Task.FromResult<IReadOnlyList<Finding>>([Finding.Warning("other", "odd", "mend")]))],
            TestContext.Current.CancellationToken);
        Assert.Equal(
            [(Severity.Ok, "configuration"), (Severity.Fatal, "host"), (Severity.Fatal, "broker"), (Severity.Warning, "other")],
            findings.Select(finding => (finding.Severity, finding.Check)));
    }

    [Fact]
    public async Task An_address_that_is_taken_and_a_collector_that_is_not_there_are_warnings()
    {
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var config = Config($$"""{ "telemetry": { "listen": "{{taken.LocalEndpoint}}", "otlp": { "endpoint": "http://127.0.0.1:1" } } }""");
        var findings = await AgentCheck.RunAsync(() => config, _ => Task.FromResult<IReadOnlyList<Finding>>([]), [.. AgentCheck.Parts.Where(part => part.Name != "broker")], TestContext.Current.CancellationToken);
        Assert.Equal(["health pages", "collector"], findings.Where(finding => finding.Severity == Severity.Warning).Select(finding => finding.Check));
    }

    [Fact]
    public void What_the_agent_declares_itself_is_one_warning_and_only_what_it_may_not_is_fatal()
    {
        var broker = BrokerOptions.Parse(BrokerOptions.DefaultUri);
        var missing = Enumerable.Range(0, 11).Select(i => new BrokerProblem(BrokerProblemKind.Missing, $"queue q{i}", "…")).ToList();
        var finding = Assert.Single(BrokerCheck.Of(broker, missing));
        Assert.Equal((Severity.Warning, "contingious broker setup"), (finding.Severity, finding.Remedy));
        Assert.Contains("the queue q10", finding.Message, StringComparison.Ordinal);
        var findings = BrokerCheck.Of(broker, [missing[0] with { Kind = BrokerProblemKind.MissingForGood }, missing[1] with { Kind = BrokerProblemKind.MissingForGood }, new BrokerProblem(BrokerProblemKind.HeldTooLong, "consumer_timeout", "Too short.")]);
        Assert.Equal([(Severity.Fatal, "contingious broker setup"), (Severity.Fatal, "")], findings.Select(each => (each.Severity, each.Remedy)));
        Assert.Equal("Too short.", findings[1].Message);
    }

    private static OperatorConfig Config(string json) => OperatorConfig.Parse(Encoding.UTF8.GetBytes(json), "/etc/x.json");
}
