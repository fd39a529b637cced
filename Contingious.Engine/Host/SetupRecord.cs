using System.Text.Json;
using System.Text.Json.Serialization;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host;

/// <summary>
/// What setup has done for one account, kept in root's own <c>/var/lib/contingious-setup/NAME.json</c>.
/// An action is added before it is done and taken out after it is undone.
/// </summary>
internal sealed class SetupRecord
{
    private const string Folder = "/var/lib/contingious-setup";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly HostRoot root;
    private readonly string path;
    private readonly List<SetupAction> actions;

    private SetupRecord(HostRoot root, string path, List<SetupAction> actions)
    {
        this.root = root;
        this.path = path;
        this.actions = actions;
    }

    /// <summary>In the order in which they were done.</summary>
    public IReadOnlyList<SetupAction> Actions => actions;

    /// <summary>Whether setup has done something for an account.</summary>
    public static bool Exists(HostRoot root, HostLayout layout) => root.TryStatus(PathOf(layout)) is not null;

    /// <exception cref="ContingiousException">The record is not one of ours.</exception>
    public static SetupRecord Read(HostRoot root, HostLayout layout) => Read(root, PathOf(layout));

    private static string PathOf(HostLayout layout) => $"{Folder}/{layout.Name}.json";

    private static SetupRecord Read(HostRoot root, string path)
    {
        if (root.TryRead(path) is not { } text) return new SetupRecord(root, path, []);
        try
        {
            var file = JsonSerializer.Deserialize(text, SetupRecordJson.Default.SetupRecordFile);
            if (file is not { Version: 1 }) throw new ContingiousException($"{path} was written by another version of contingious; use that one.");
            return new SetupRecord(root, path, [.. file.Actions]);
        }
        catch (JsonException error)
        {
            throw new ContingiousException($"{path} cannot be read ({error.Message}). What setup did is no longer known: move the file away and run setup again.", error);
        }
    }

    /// <summary>Writes an action down. What was there before the first attempt at it stays what is put back.</summary>
    public void Add(SetupAction action)
    {
        var known = actions.FindIndex(other => other.Key == action.Key);
        if (known < 0) actions.Add(action);
        else actions[known] = action with { Before = actions[known].Before };
        Write();
    }

    public void Remove(SetupAction action)
    {
        actions.RemoveAll(other => other.Key == action.Key);
        if (actions.Count > 0)
        {
            Write();
            return;
        }

        File.Delete(root.At(path));
        if (Directory.EnumerateFileSystemEntries(root.At(Folder)).Any()) return;
        Directory.Delete(root.At(Folder));
    }

    /// <summary>Leaves an action to another account that was set up here, to be undone with that one's.</summary>
    /// <returns>False where there is no other account: the action is to be undone now.</returns>
    public bool HandOver(SetupAction action)
    {
        if (Other(root, path) is not { } heir) return false;
        if (!heir.actions.Exists(known => known.Key == action.Key)) heir.actions.Insert(0, action);
        heir.Write();
        Remove(action);
        return true;
    }

    /// <summary>Those that would be undone now, newest first.</summary>
    public IReadOnlyList<SetupAction> Undoable()
    {
        var isLast = Other(root, path) is null;
        return [.. actions.Where(action => isLast || !action.IsShared).Reverse()];
    }

    private static SetupRecord? Other(HostRoot root, string path)
    {
        if (!Directory.Exists(root.At(Folder))) return null;
        var names = Directory.EnumerateFiles(root.At(Folder), "*.json").Select(Path.GetFileName).Order(StringComparer.Ordinal);
        return names.Select(name => $"{Folder}/{name}").FirstOrDefault(other => other != path) is { } found ? Read(root, found) : null;
    }

    private void Write()
    {
        Directory.CreateDirectory(root.At(Folder), Private | UnixFileMode.UserExecute);
        var text = JsonSerializer.Serialize(new SetupRecordFile(1, actions), SetupRecordJson.Default.SetupRecordFile);
        AtomicFile.Write(root.At(path), text + "\n", Private);
    }
}

internal sealed record SetupRecordFile(int Version, IReadOnlyList<SetupAction> Actions);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(SetupRecordFile))]
internal sealed partial class SetupRecordJson : JsonSerializerContext;
