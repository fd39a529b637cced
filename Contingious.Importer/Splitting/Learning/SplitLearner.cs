using System.Security.Cryptography;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Importer.Oci;
using Contingious.Importer.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Importer.Splitting.Learning;

/// <summary>The command that learn mode watches.</summary>
public sealed record SampleCommand
{
    /// <summary>The program and its arguments; the image's own command where empty.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>Files that are put in place before it.</summary>
    public IReadOnlyList<InputFile> Files { get; init; } = [];

    public Limits Limits { get; init; } = new()
    {
        CpuTime = TimeSpan.FromMinutes(2),
        WallTime = TimeSpan.FromMinutes(5),
        Memory = ByteSize.FromMiB(1024),
        Disk = ByteSize.FromMiB(512),
        Inodes = 100_000,
        Processes = 256,
        FileSize = ByteSize.FromMiB(512),
    };
}

/// <summary>What was learned.</summary>
/// <param name="Rules">The whole list of rules, in order, fit for a recipe's <c>split</c>.</param>
/// <param name="Learned">Those of them that what the command wrote was the reason for.</param>
/// <param name="Unsteady">What was not compared, because it differed between two runs on the whole image.</param>
public sealed record LearnedSplit(IReadOnlyList<SplitRule> Rules, IReadOnlyList<SplitRule> Learned, IReadOnlyList<string> Unsteady);

/// <summary>On the split, a command did something else than on the whole image: the rules are not fit for it.</summary>
public sealed class SplitDiffersException(IReadOnlyList<string> differences, IReadOnlyList<SplitRule> rules)
    : ContingiousException($"The command does something else on the split than on the whole image, so nothing was imported:\n  {string.Join("\n  ", differences)}\nThe rules were: {string.Join("; ", rules)}. Add what is missing with --editable, or import the image with --clone-engine overlay.")
{
    public IReadOnlyList<string> Differences { get; } = differences;

    public IReadOnlyList<SplitRule> Rules { get; } = rules;
}

/// <summary>
/// Learns how to cut an image from a command: (1) runs it twice on an overlay of the whole image, (2) makes rules of what it wrote,
/// (3) cuts the image by them and runs it there, (4) compares. All of it in a store of its own, so that no image is there
/// under its name before it is known to be good.
/// </summary>
/// <remarks>
/// That store is below the account's own, where sandboxes can reach it, and is locked while it is used: what a killed one
/// left is removed by the next.
/// </remarks>
public sealed class SplitLearner(HostLayout layout, TimeProvider time)
{
    private const string FolderName = ".learning";
    private const uint WalkOnly = 0x1C9; // 0711: a container's own root walks through here to what is bound.

    /// <summary>Where images are while they are tried.</summary>
    public static string DirectoryOf(HostLayout layout) => $"{layout.ImagesDirectory}/{FolderName}";

    /// <summary>Learns, and calls <paramref name="import"/> with the request that imports the image as it was learned.</summary>
    /// <param name="request">What to import; its rules are where learning begins.</param>
    /// <param name="sample">The command.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="import">Imports under the real name; the source can be read while it runs.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <exception cref="SplitDiffersException">On the split the command did something else.</exception>
    /// <exception cref="ContingiousException">The image cannot be imported, or the command cannot be run.</exception>
    public async Task<(LearnedSplit Learned, Image Image)> LearnAsync(
        ImportRequest request, SampleCommand sample, IProgress<string>? progress, Func<ImportRequest, Task<Image>> import, CancellationToken cancellation)
    {
        if (request.CloneEngine == CloneEngine.Overlay) throw new RejectedRequestException("--learn", "--learn finds out how to cut an image, and one that is cloned by an overlay is not cut. Leave one of the two out (the recipe may say cloneEngine).");
        var given = request.Rules();
        var platform = request.Platform is { } text ? Platform.Parse(text) : null;
        using var area = MakeArea();
        var fetched = await ImageSource.Parse(request).FetchAsync(new FetchContext(area, ImportLimits.Default, platform, request.Registry, progress), cancellation).ConfigureAwait(false);
        var local = request with { Fetched = fetched };

        // (1) On the whole image, twice: what differs between the two is not the split's doing.
        progress?.Report("learning: importing the whole image");
        var whole = await ImportAsync(local with { CloneEngine = CloneEngine.Overlay }, area.PathOf("whole"), cancellation).ConfigureAwait(false);
        progress?.Report("learning: running the command on it, twice");
        var first = await RunAsync(whole, sample, area.PathOf("whole"), cancellation).ConfigureAwait(false);
        var second = await RunAsync(whole, sample, area.PathOf("whole"), cancellation).ConfigureAwait(false);

        // (2) Rules.
        var (rules, learned) = Propose(request, given, whole, first.Trace, second.Trace);
        local = local with { NoLayerCache = false, CloneEngine = CloneEngine.Split, Editable = null, ReadOnly = [], FurtherRules = [], Split = [.. rules.Select(rule => rule.ToString())] };
        progress?.Report(learned.Count == 0 ? "learning: the rules that there are cover all that it wrote" : $"learning: added {string.Join("; ", learned)}");

        // (3) On the split.
        progress?.Report("learning: cutting the image and running the command on the split");
        var split = await ImportAsync(local, area.PathOf("split"), cancellation).ConfigureAwait(false);
        var onSplit = await RunAsync(split, sample, area.PathOf("split"), cancellation).ConfigureAwait(false);

        // (4) Compare.
        using (var cut = new WholeImage(split))
        {
            var comparison = RunComparison.Of(first, second, onSplit, cut);
            if (comparison.Differences.Count > 0) throw new SplitDiffersException(comparison.Differences, rules);
            return (new LearnedSplit(rules, learned, comparison.Unsteady), await import(local with { NoLayerCache = request.NoLayerCache }).ConfigureAwait(false));
        }
    }

    private StagingArea MakeArea()
    {
        Walkable(layout.ImagesDirectory);
        var folder = DirectoryOf(layout);
        var area = StagingArea.Create(folder);
        Walkable(folder);
        Walkable(area.Directory);
        return area;
    }

    private static void Walkable(string path)
    {
        Directory.CreateDirectory(path);
        using var directory = DirectoryHandle.Open(path);
        directory.SetMode(WalkOnly);
    }

    private Task<Image> ImportAsync(ImportRequest request, string store, CancellationToken cancellation) =>
        new ImageImporter(new ImageStore(store), layout.StagingDirectory, time) { Layers = new LayerStore(layout.LayersDirectory) }.ImportAsync(request, progress: null, cancellation);

    private async Task<SampleRun> RunAsync(Image image, SampleCommand sample, string store, CancellationToken cancellation)
    {
        var recorder = new TraceRecorder(image);
        var engine = await SandboxEngine.OpenAsync(layout, new EngineOptions { ImagesDirectory = store, Observer = recorder }, time, NullLogger.Instance).ConfigureAwait(false);
        var request = new RunRequest
        {
            Id = SandboxId.For($"learn-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}", 1),
            Image = image.Id.ToString(),
            Files = sample.Files,
            Limits = sample.Limits,
            Steps = [new StepRequest { Name = "sample", Args = sample.Args, Limits = sample.Limits }],
        };
        var report = await engine.RunAsync(request, cancellation).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        if (report.Outcome is not (Outcome.Ok or Outcome.NonZeroExit or Outcome.Signalled) || report.Steps.Count != 1 || recorder.Trace is null)
        {
            throw new ContingiousException($"The command that the split is learned from did not run to its end: {report.Outcome}: {report.Message}{(report.Field.Length > 0 ? $" ({report.Field})" : "")}");
        }

        return new SampleRun(report.Steps[0], recorder.Trace);
    }

    /// <summary>The rules that there were, without those of a default that the image has nothing for, and what was learned behind them.</summary>
    private static (IReadOnlyList<SplitRule> Rules, IReadOnlyList<SplitRule> Learned) Propose(ImportRequest request, RootfsSplit given, Image image, params RunTrace[] traces)
    {
        using var whole = new WholeImage(image);
        var isDefault = request.Split is null && request.Editable is null;
        var kept = given.Rules.Where(rule => !isDefault || rule.Path is not { } path || !RootfsSplit.DefaultEditable.Contains(path) || (!RootfsSplit.MountTargets.Contains(path) && whole.TryKind(PathKey.Of(path)) == FileKind.Directory)).ToList();
        var working = image.Config.WorkingDir;
        // In front: it is editable anyway, and a rule of what is below it speaks behind it.
        if (!given.IsEditable(working)) kept.Insert(0, SplitRule.Of(isEditable: true, working));
        var written = traces.SelectMany(trace => trace.Written).DistinctBy(entry => entry.Key).ToDictionary(StringComparer.Ordinal);
        var learned = new SplitProposal(whole).Rules(written);
        return ([.. kept, .. learned, .. kept.Where(rule => IsUndoneBy(learned, rule))], learned);
    }

    /// <summary>
    /// Whether what was learned would open what a given rule closes, and the command did not need that: a directory is opened for what was made in it, not for the
    /// tests beside that.
    /// </summary>
    private static bool IsUndoneBy(IReadOnlyList<SplitRule> learned, SplitRule given)
    {
        if (given.IsEditable) return false;
        var closed = new RootfsSplit([new SplitRule(isEditable: true, given.Pattern)]);
        return learned.Where(rule => rule.IsEditable).Any(rule => rule.Path is { } opened && !closed.IsEditable(opened)
            && (given.Path is not { } path || path.StartsWith($"{opened.TrimEnd('/')}/", StringComparison.Ordinal)));
    }
}
