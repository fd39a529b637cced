namespace Contingious.Agent.Configuration;

/// <summary>What a value was written as.</summary>
internal enum ConfigKind
{
    /// <summary>In a place that knows text alone, such as the environment.</summary>
    Plain,
    Text,
    Number,
    Boolean,
    Null,
    Object,
    List,
}

/// <summary>One value of a configuration file, with its place: <c>agent.classes.exam.weight</c>, <c>mounts[0].path</c>.</summary>
/// <param name="Key">Names of the objects that it is in, and its own, with dots between.</param>
/// <param name="Kind">What it was written as.</param>
/// <param name="Text">A number as it stands, a text without its quotes, <c>true</c> or <c>false</c>; empty for an object or a list.</param>
/// <param name="Line">Where, from 1.</param>
internal sealed record ConfigEntry(string Key, ConfigKind Kind, string Text, int Line)
{
    /// <summary>Names in an object, for messages.</summary>
    public string Place => Key.Length == 0 ? "the file" : Key;
}

/// <summary>Something is wrong at a place of a file. The message is a sentence that names the key.</summary>
internal sealed class ConfigFault(int line, string message) : Exception(message)
{
    public int Line => line;
}
