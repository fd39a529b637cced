namespace Contingious.Agent.Wire;

/// <summary>The families of MessagePack's formats: https://github.com/msgpack/msgpack/blob/master/spec.md#type-system.</summary>
internal enum MessagePackKind
{
    Nil,
    Bool,
    Integer,
    Float,
    Text,
    Binary,
    Array,
    Map,
    Extension,
}

internal static class MessagePackKindExtensions
{
    /// <summary>For people, in a refusal.</summary>
    public static string Describe(this MessagePackKind kind) => kind switch
    {
        MessagePackKind.Nil => "nil",
        MessagePackKind.Bool => "a bool",
        MessagePackKind.Integer => "a whole number",
        MessagePackKind.Float => "a float",
        MessagePackKind.Text => "text",
        MessagePackKind.Binary => "bytes",
        MessagePackKind.Array => "an array",
        MessagePackKind.Map => "a map",
        MessagePackKind.Extension => "an extension value",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind."),
    };
}
