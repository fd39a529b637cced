namespace Contingious.Engine.Model;

/// <summary>On what the files of a job lie, and so what holds its disk limit.</summary>
public enum DiskBackend
{
    /// <summary>A tmpfs of the job's own size: strict everywhere, but its files are memory.</summary>
    Tmpfs,

    /// <summary>A directory with a project quota that <c>contingious setup --disk-slots</c> provisioned on ext4 or xfs: strict, on disk.</summary>
    ProjectQuota,

    /// <summary>A directory whose use is counted now and again: a job can be past its limit for the moment between two counts.</summary>
    Watched,
}
