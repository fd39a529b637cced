using System.Text.Json;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// The <c>process</c> of an OCI runtime-spec, without arguments: what a command in a container is, whether crun or the container's init starts it.
/// </summary>
internal sealed record ProcessSpec(ContainerUser User, IReadOnlyList<string> Capabilities, IReadOnlyList<Rlimit> Rlimits, IReadOnlyList<string> Env, string WorkingDirectory)
{
    /// <summary>Writes it to a file of its own, for <see cref="LiveContainer"/> to make further commands from. It appears whole.</summary>
    public void Write(string path)
    {
        var unfinished = $"{path}.new";
        using (var stream = File.Create(unfinished))
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            WriteMembers(json);
            json.WriteEndObject();
        }

        File.Move(unfinished, path, overwrite: true);
    }

    /// <remarks>JSON is text: a variable of other bytes is left out, and a directory of such a name is not gone into. The step itself has them (<see cref="Programs.InitOrder"/>).</remarks>
    public void WriteMembers(Utf8JsonWriter json)
    {
        json.WriteStartObject("user");
        json.WriteNumber("uid", User.Uid);
        json.WriteNumber("gid", User.Gid);
        json.WriteEndObject();
        json.WriteStrings("env", Env.Where(NativeText.IsUtf8));
        json.WriteString("cwd", NativeText.IsUtf8(WorkingDirectory) ? WorkingDirectory : "/");
        json.WriteStartObject("capabilities");
        foreach (var set in new[] { "bounding", "effective", "permitted" }) json.WriteStrings(set, Capabilities);
        foreach (var set in new[] { "inheritable", "ambient" }) json.WriteStrings(set, []);
        json.WriteEndObject();
        json.WriteStartArray("rlimits");
        foreach (var limit in Rlimits)
        {
            json.WriteStartObject();
            json.WriteString("type", limit.Name);
            json.WriteNumber("hard", limit.Value);
            json.WriteNumber("soft", limit.Value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteBoolean("noNewPrivileges", true);
    }
}

internal static class JsonWriting
{
    public static void WriteStrings(this Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
