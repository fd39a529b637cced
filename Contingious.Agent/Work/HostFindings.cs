using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Agent.Configuration;
using Contingious.Agent.Wire;
using Contingious.Engine.Host;

namespace Contingious.Agent.Work;

/// <summary>
/// What the doctor finds at an agent's start, for its heartbeat. Inside the keeper's namespaces the host cannot be examined, and getting there replaces the
/// process: so it is examined before, and the findings go along in a variable.
/// </summary>
internal static class HostFindings
{
    private const string Variable = "CONTINGIOUS_FINDINGS";

    /// <summary>Examines the host.</summary>
    public static async Task HandOverAsync(HostLayout layout, CancellationToken cancellation)
    {
        var findings = await new Doctor(HostRoot.Real, layout.Account.Name, layout.Account) { Runtime = ConfiguredRuntime.Of(layout.Account) }.ExamineAsync(cancellation).ConfigureAwait(false);
        List<StatusFinding> told = [.. findings.Where(finding => finding.Severity > Severity.Ok).Select(finding => new StatusFinding(finding.Severity, finding.Message))];
        Environment.SetEnvironmentVariable(Variable, JsonSerializer.Serialize(told, FindingsJson.Default.ListStatusFinding));
    }

    /// <summary>What was found, by the process before this one.</summary>
    public static IReadOnlyList<StatusFinding> Take()
    {
        var text = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
        try
        {
            return text is null ? [] : JsonSerializer.Deserialize(text, FindingsJson.Default.ListStatusFinding) ?? [];
        }
        catch (JsonException)
        {
            // Somebody else's variable.
            return [];
        }
    }
}

[JsonSerializable(typeof(List<StatusFinding>))]
internal sealed partial class FindingsJson : JsonSerializerContext;
