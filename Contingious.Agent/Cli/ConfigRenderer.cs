using System.Globalization;
using System.Text;
using System.Text.Json;
using Contingious.Agent.Configuration;

namespace Contingious.Agent.Cli;

/// <summary>Shows the configuration that holds, and where each value of it came from. What is secret is not in it.</summary>
internal static class ConfigRenderer
{
    public static string ToText(OperatorConfig config)
    {
        var text = new StringBuilder();
        text.AppendLine(config.File is { } file ? $"# {TerminalText.Of(file)}" : "# no file");
        var width = config.Values.Max(value => value.Key.Length);
        foreach (var value in config.Values) text.AppendLine(CultureInfo.InvariantCulture, $"{value.Key.PadRight(width)}  {TerminalText.Of(value.Value ?? "-"),-24}  # {TerminalText.Of(value.Origin)}");
        foreach (var mount in config.Engine.Mounts) text.AppendLine(CultureInfo.InvariantCulture, $"{"mounts".PadRight(width)}  {TerminalText.Of(mount.Path),-24}  # {(mount.Writable ? "writable" : "read-only")}");
        foreach (var warning in config.Warnings) text.AppendLine(CultureInfo.InvariantCulture, $"# warning: {TerminalText.Of(warning)}");
        return text.ToString();
    }

    /// <summary>One object: <c>file</c>, <c>values</c> (by key: <c>value</c>, <c>from</c>), <c>mounts</c>, <c>warnings</c>.</summary>
    public static string ToJson(OperatorConfig config)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("file", config.File);
            json.WriteStartObject("values");
            foreach (var value in config.Values)
            {
                json.WriteStartObject(value.Key);
                json.WritePropertyName("value");
                if (value.Value is null) json.WriteNullValue();
                else if (value.IsNumber) json.WriteRawValue(value.Value);
                else json.WriteStringValue(value.Value);
                json.WriteString("from", value.Origin);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteStartArray("mounts");
            foreach (var mount in config.Engine.Mounts)
            {
                json.WriteStartObject();
                json.WriteString("path", mount.Path);
                json.WriteBoolean("writable", mount.Writable);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("warnings");
            foreach (var warning in config.Warnings) json.WriteStringValue(warning);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
