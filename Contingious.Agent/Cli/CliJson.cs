using System.Text.Json.Serialization;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<LiveSandbox>))]
[JsonSerializable(typeof(List<ListedImage>))]
internal sealed partial class CliJson : JsonSerializerContext;
