using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Importer.Sources;

namespace Contingious.Importer;

/// <summary>What to import, under which name, and how to cut it.</summary>
public sealed record ImportRequest
{
    public required ImageReference Name { get; init; }

    /// <summary>A transport, a colon and what it says: those of containers-transports(5), and ours; images/README.md has them all.</summary>
    public required string Source { get; init; }

    /// <summary>The image of <see cref="Source"/>, where it was fetched before.</summary>
    internal FetchedImage? Fetched { get; init; }

    /// <summary>Which of the images of an index: <c>os/architecture[/variant]</c>. This host's where nothing is said.</summary>
    public string? Platform { get; init; }

    public RegistryAccess Registry { get; init; } = new();

    /// <summary>For <c>containerfile:</c>: names in the build context, each with the host's file that is copied there.</summary>
    public IReadOnlyDictionary<string, string> HostFiles { get; init; } = new Dictionary<string, string>();

    /// <summary>Absolute container paths that submissions write; <see cref="RootfsSplit.DefaultEditable"/> where nothing is said.</summary>
    public IReadOnlyList<string>? Editable { get; init; }

    /// <summary>Paths inside editable ones that stay read-only.</summary>
    public IReadOnlyList<string> ReadOnly { get; init; } = [];

    /// <summary>
    /// The rules in order, each as <see cref="SplitRule.Parse"/> reads it, in place of <see cref="Editable"/> and
    /// <see cref="ReadOnly"/>.
    /// </summary>
    public IReadOnlyList<string>? Split { get; init; }

    /// <summary>Rules that come behind all others, as those of the command line.</summary>
    public IReadOnlyList<SplitRule> FurtherRules { get; init; } = [];

    public ConfigOverrides Overrides { get; init; } = new();

    /// <summary>How sandboxes get their rootfs from it.</summary>
    public CloneEngine CloneEngine { get; init; }

    /// <summary>The rules that cut the image.</summary>
    /// <exception cref="RejectedRequestException">One is wrong, or both forms are given.</exception>
    public RootfsSplit Rules()
    {
        if (Split is null) return RootfsSplit.Of(Editable ?? RootfsSplit.DefaultEditable, ReadOnly).Then(FurtherRules);
        if (Editable is not null || ReadOnly.Count > 0)
        {
            throw new RejectedRequestException("split", "There are both ordered rules (split) and lists of paths (editable, readonly). Keep one form: 'split': [\"editable /home\", \"readonly /home/shared\"].");
        }

        return new RootfsSplit(Split.Select((rule, i) => SplitRule.Parse(rule, $"split[{i}]"))).Then(FurtherRules);
    }

    /// <summary>
    /// Fetches and unpacks everything again: an image that is here already, and layers that an earlier import has left in the layer store, which are
    /// replaced.
    /// </summary>
    public bool NoLayerCache { get; init; }

    /// <summary>Whether a text begins as a source does, and not as the name of a recipe.</summary>
    public static bool IsSource(string text) => ImageSource.TransportOf(text) is not null || text.Contains("://", StringComparison.Ordinal);

    /// <summary>
    /// Says what is to be made of an image, whatever it is called and wherever it comes from: two imports of one manifest with the same key are the same.
    /// </summary>
    internal Digest Key => Digest.Of(JsonSerializer.SerializeToUtf8Bytes(new CutRequest([.. Rules().Rules.Select(rule => rule.ToString())], Overrides, CloneEngine), RequestJson.Default.CutRequest));
}

/// <summary>What is put over the image's own config; nothing where null.</summary>
public sealed record ConfigOverrides
{
    public IReadOnlyList<string>? Entrypoint { get; init; }

    public IReadOnlyList<string>? Cmd { get; init; }

    /// <summary>Added to the image's environment.</summary>
    public IReadOnlyDictionary<string, string>? Env { get; init; }

    public string? User { get; init; }

    public string? WorkingDir { get; init; }
}

/// <summary>As much of a request as makes another image of the same manifest. What is added to a request and has a say in that belongs here too.</summary>
internal sealed record CutRequest(IReadOnlyList<string> Rules, ConfigOverrides Overrides, CloneEngine CloneEngine);

[JsonSerializable(typeof(CutRequest))]
internal sealed partial class RequestJson : JsonSerializerContext;
