using System.Security.Cryptography;
using System.Text;
using Contingious.Agent.Configuration;
using Contingious.Engine;

namespace Contingious.Agent.Runner;

/// <summary>What a runner's answers depend on: the program as it was built, and the operator's configuration.</summary>
internal static class RunnerFingerprint
{
    /// <summary>The fingerprint that a runner started now would have.</summary>
    public static string Of(OperatorConfig config)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(typeof(RunnerFingerprint).Module.ModuleVersionId.ToByteArray());
        hash.AppendData(typeof(SandboxEngine).Module.ModuleVersionId.ToByteArray());
        foreach (var value in config.Values.Where(value => !value.Key.StartsWith("broker.", StringComparison.Ordinal)))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{value.Key}={value.Value}\n"));
        }

        foreach (var (name, value) in config.TelemetryVariables.OrderBy(variable => variable.Key, StringComparer.Ordinal)) hash.AppendData(Encoding.UTF8.GetBytes($"{name}={value}\n"));
        foreach (var mount in config.Engine.Mounts) hash.AppendData(Encoding.UTF8.GetBytes($"{mount}\n"));
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 12));
    }
}
