using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Engine;
using Contingious.Engine.Images;

namespace Contingious.Importer.Recipes;

/// <summary><c>images/NAME/image.json</c>: where an image comes from, what of it submissions write, and what it runs.</summary>
public sealed record ImageRecipe
{
    public const string FileName = "image.json";

    public string? Description { get; init; }

    /// <summary>As <see cref="ImportRequest.Source"/>; a path in it is relative to the recipe's folder.</summary>
    public required string Source { get; init; }

    public IReadOnlyDictionary<string, string>? HostFiles { get; init; }

    public IReadOnlyList<string>? Editable { get; init; }

    [JsonPropertyName("readonly")]
    public IReadOnlyList<string>? ReadOnly { get; init; }

    /// <summary>Ordered rules, as <see cref="SplitRule.Parse"/> reads them, in place of the two lists.</summary>
    public IReadOnlyList<string>? Split { get; init; }

    /// <summary><c>split</c> where nothing is said.</summary>
    public CloneEngine? CloneEngine { get; init; }

    public IReadOnlyList<string>? Entrypoint { get; init; }

    public IReadOnlyList<string>? Cmd { get; init; }

    public IReadOnlyDictionary<string, string>? Env { get; init; }

    public string? User { get; init; }

    public string? WorkingDir { get; init; }

    /// <summary>Reads a recipe; an unknown key is an error, for it is a typing mistake.</summary>
    /// <exception cref="RejectedRequestException">The file is not a recipe; says where.</exception>
    public static ImageRecipe Read(string file)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(file), RecipeJson.Default.ImageRecipe) ?? throw new RejectedRequestException("$", $"{file} is empty.");
        }
        catch (JsonException error)
        {
            throw new RejectedRequestException(error.Path ?? "$", $"{file} is not a recipe: {error.Message} images/README.md explains the format.");
        }
    }

    /// <param name="name">The name to import it under.</param>
    /// <param name="directory">The recipe's folder.</param>
    public ImportRequest ToRequest(ImageReference name, string directory) => new()
    {
        Name = name,
        Source = Anchored(Source, Path.GetFullPath(directory)),
        HostFiles = HostFiles ?? new Dictionary<string, string>(),
        Editable = Editable,
        ReadOnly = ReadOnly ?? [],
        Split = Split,
        CloneEngine = CloneEngine ?? default,
        Overrides = new ConfigOverrides { Entrypoint = Entrypoint, Cmd = Cmd, Env = Env, User = User, WorkingDir = WorkingDir },
    };

    private static string Anchored(string source, string directory)
    {
        foreach (var transport in new[] { "containerfile:", "oci:", "oci-archive:", "docker-archive:", "dir:", "rootfs-tar:" })
        {
            // A lone dash is standard input.
            if (!source.StartsWith(transport, StringComparison.Ordinal) || source == "rootfs-tar:-") continue;
            return transport + Path.TrimEndingDirectorySeparator(Path.GetFullPath(source[transport.Length..], directory));
        }

        return source;
    }
}

[JsonSerializable(typeof(ImageRecipe))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    MaxDepth = 8)]
internal sealed partial class RecipeJson : JsonSerializerContext;
