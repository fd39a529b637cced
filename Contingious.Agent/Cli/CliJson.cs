using System.Text.Json.Serialization;
using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(IReadOnlyList<LiveSandbox>))]
[JsonSerializable(typeof(List<ListedImage>))]
[JsonSerializable(typeof(List<ListedBlob>))]
[JsonSerializable(typeof(InspectedImage))]
[JsonSerializable(typeof(List<VerifiedImage>))]
[JsonSerializable(typeof(List<ListedMount>))]
[JsonSerializable(typeof(ListedMount))]
[JsonSerializable(typeof(PrunedImages))]
[JsonSerializable(typeof(List<Finding>))]
[JsonSerializable(typeof(ImportedImage))]
[JsonSerializable(typeof(List<string>))]
[JsonSerializable(typeof(List<Wire.AgentStatus>))]
[JsonSerializable(typeof(Measuring.BenchReport))]
internal sealed partial class CliJson : JsonSerializerContext;
