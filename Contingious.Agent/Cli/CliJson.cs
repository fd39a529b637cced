using System.Text.Json.Serialization;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<LiveSandbox>))]
[JsonSerializable(typeof(List<ListedImage>))]
[JsonSerializable(typeof(List<Finding>))]
internal sealed partial class CliJson : JsonSerializerContext;
