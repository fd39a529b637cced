namespace Contingious.Engine.Model;

/// <summary>The OCI runtimes that containers can be run with.</summary>
public enum RuntimeKind
{
    /// <summary>crun(1): the default.</summary>
    Crun,

    /// <summary>runc(8): on cgroup v2 only.</summary>
    Runc,
}
