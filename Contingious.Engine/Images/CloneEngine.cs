using System.Text.Json;
using System.Text.Json.Serialization;

namespace Contingious.Engine.Images;

/// <summary>How a sandbox gets a rootfs of its own from an image.</summary>
[JsonConverter(typeof(CloneEngineJsonConverter))]
public enum CloneEngine
{
    /// <summary>The editable tree is copied; the subtrees of the read-only one are bound over it.</summary>
    Split,

    /// <summary>Everything is writable: an overlayfs over the whole image, what is written lies on the job's disk.</summary>
    Overlay,
}

/// <summary><c>split</c> or <c>overlay</c> in JSON.</summary>
public sealed class CloneEngineJsonConverter() : JsonStringEnumConverter<CloneEngine>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);
