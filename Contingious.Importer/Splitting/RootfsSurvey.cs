using System.Runtime.CompilerServices;
using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;

namespace Contingious.Importer.Splitting;

/// <summary>
/// Finds the directories of a rootfs that are mixed: something that exists below one is decided otherwise than the directory
/// itself. What rules could match and is not there breaks nothing up.
/// </summary>
/// <remarks>Only where a rule could still differ is anything looked at, and only mixed directories are remembered: 16 bytes and a bit each.</remarks>
internal sealed class RootfsSurvey
{
    private readonly HashSet<ulong> mixed = [];
    private readonly HashSet<ulong> sandboxFiles = [];

    private RootfsSurvey()
    {
    }

    public static RootfsSurvey Of(DirectoryHandle rootfs, RootfsSplit split)
    {
        var survey = new RootfsSurvey();
        survey.FindSandboxFiles(rootfs);
        _ = survey.Visit(rootfs, split.Root);
        return survey;
    }

    public bool IsMixed(FileStatus directory) => mixed.Contains(directory.Inode);

    /// <summary>Whether each sandbox has its own of a file, so that rules do not matter to it.</summary>
    public bool IsSandboxFile(FileStatus file) => sandboxFiles.Contains(file.Inode);

    /// <returns>Whether everything below is decided as the directory itself.</returns>
    private bool Visit(DirectoryHandle directory, SplitCursor here)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        if (!here.MayDiffer) return true;
        var isUniform = true;
        foreach (var name in directory.Entries())
        {
            switch (directory.TryStatus(name))
            {
                case { Kind: FileKind.Directory }:
                    var below = here.Enter(name, isDirectory: true);
                    using (var child = directory.OpenDirectory(name)) isUniform &= Visit(child, below) & (below.IsEditable == here.IsEditable);
                    break;
                case { Kind: FileKind.Regular } file when !IsSandboxFile(file) || !here.IsEditable:
                    isUniform &= here.Enter(name, isDirectory: false).IsEditable == here.IsEditable;
                    break;
            }
        }

        if (!isUniform) mixed.Add(directory.Status().Inode);
        return isUniform;
    }

    private void FindSandboxFiles(DirectoryHandle rootfs)
    {
        foreach (var path in RootfsSplit.SandboxFiles)
        {
            var slash = path.LastIndexOf('/');
            using var directory = rootfs.OpenDirectory(path[1..slash]);
            if (directory.TryStatus(Encoding.UTF8.GetBytes(path[(slash + 1)..])) is { } status) sandboxFiles.Add(status.Inode);
        }
    }
}
