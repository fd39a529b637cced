namespace Contingious.Engine.Images;

/// <summary>How a program is started in an image, after the OCI image-spec's config and what the recipe puts over it.</summary>
public sealed record ImageConfig
{
    public IReadOnlyList<string> Entrypoint { get; init; } = [];

    public IReadOnlyList<string> Cmd { get; init; } = [];

    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>();

    /// <summary><c>name</c>, <c>uid</c> or either with <c>:group</c>; root where absent.</summary>
    public string? User { get; init; }

    /// <summary>Absolute; a real directory of the editable tree.</summary>
    public string WorkingDir { get; init; } = "/";

    /// <summary>Absolute, in plain form, sorted: directories that a container is to have fresh and writable. Each is a real directory of one of the trees.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}
