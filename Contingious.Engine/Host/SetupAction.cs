using System.Text.Json.Serialization;
using Contingious.Engine.Host.SetupActions;

namespace Contingious.Engine.Host;

/// <summary>
/// One thing that setup does to the host, and how it is undone. It is written down, with what was there before,
/// ahead of being done: a setup that was killed is continued or undone from the record.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "action")]
[JsonDerivedType(typeof(CreateServiceAccount), "account")]
[JsonDerivedType(typeof(AddSubordinateIds), "subordinate-ids")]
[JsonDerivedType(typeof(MakeDirectory), "directory")]
[JsonDerivedType(typeof(WriteFile), "file")]
[JsonDerivedType(typeof(DelegateCgroup), "cgroup")]
[JsonDerivedType(typeof(EnableControllers), "controllers")]
[JsonDerivedType(typeof(EnableLinger), "linger")]
[JsonDerivedType(typeof(OpenTunDevice), "tun")]
[JsonDerivedType(typeof(ProvisionDiskSlots), "disk-slots")]
[JsonDerivedType(typeof(AllowUserNamespaces), "apparmor")]
public abstract record SetupAction
{
    /// <summary>What was there before; nothing until <see cref="Capture"/> has looked.</summary>
    [JsonInclude]
    internal PriorState? Before { get; init; }

    /// <summary>Whether other accounts that were set up rely on it too: the last of them undoes it.</summary>
    internal virtual bool IsShared => false;

    /// <summary>Tells the action apart in the record: two of one key act on the same thing.</summary>
    internal abstract string Key { get; }

    /// <summary>One line for people: what doing it would do.</summary>
    public abstract string Describe();

    /// <summary>One line for people: what undoing it would do, and what is lost by it.</summary>
    public abstract string DescribeUndo();

    /// <summary>Whether the host is so already.</summary>
    internal abstract bool IsDone(SetupHost host);

    internal abstract Task ApplyAsync(SetupHost host, CancellationToken cancellation);

    /// <summary>Puts back what was there before. Where that is so already, nothing happens.</summary>
    internal abstract Task UndoAsync(SetupHost host, CancellationToken cancellation);

    internal abstract PriorState Look(SetupHost host);

    internal SetupAction Capture(SetupHost host) => this with { Before = Look(host) };
}

/// <summary>What was at a place before an action: enough to put it back.</summary>
internal sealed record PriorState(bool Existed)
{
    public static PriorState Nothing { get; } = new(false);

    public uint Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    public string? Content { get; init; }

    public IReadOnlyList<string>? Controllers { get; init; }
}
