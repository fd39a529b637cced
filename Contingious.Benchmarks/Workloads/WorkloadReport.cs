using System.Globalization;

namespace Contingious.Benchmarks.Workloads;

/// <summary>What a run of the workload benchmark says, as tables, and as a plot.</summary>
internal sealed class WorkloadReport(IReadOnlyDictionary<string, Series> series)
{
    public void Write(TextWriter output)
    {
        foreach (var workload in Workload.All) WriteWorkload(output, workload);
        WriteSizes(output);
        WriteLosses(output);
        WriteFigures(output);
    }

    /// <summary>Every sample as a dot, on a logarithmic scale.</summary>
    public string Plot() => SvgPlot.Dots("From nothing to the end of the program", "ms", [.. Workload.All.SelectMany(workload =>
        Contenders.All.Select(contender => Find(workload.Name, contender, nameof(WorkloadSeries.Total))?.Named($"{Short(workload)}: {Short(contender)}")).OfType<Series>())]);

    private void WriteWorkload(TextWriter output, Workload workload)
    {
        if (Find(workload.Name, Contenders.Ours, nameof(WorkloadSeries.Total)) is not { } ours) return;
        output.WriteLine($"\n## {char.ToUpperInvariant(workload.Name[0])}{workload.Name[1..]}\n");
        var clock = workload.IsTimedInside ? " program's own clock: p50 ms | p10–p90 | ÷ contingious |" : "";
        output.WriteLine($"| | create, start, exec: p50 ms | p10–p90 | ÷ contingious | of it until it runs, p50 |{clock} n |");
        output.WriteLine($"| --- | ---: | ---: | ---: | ---: |{(workload.IsTimedInside ? " ---: | ---: | ---: |" : "")} ---: |");
        var oursInside = Find(workload.Name, Contenders.Ours, nameof(WorkloadSeries.Inside));
        foreach (var contender in Contenders.All)
        {
            if (Find(workload.Name, contender, nameof(WorkloadSeries.Total)) is not { } total) continue;
            var start = Find(workload.Name, contender, nameof(WorkloadSeries.Start));
            var inside = workload.IsTimedInside ? $" | {Spread(Find(workload.Name, contender, nameof(WorkloadSeries.Inside)), oursInside)}" : "";
            output.WriteLine($"| {contender} | {Spread(total, ours)} | {(start is null ? "" : Text(start.Median))}{inside} | {total.Count} |");
        }
    }

    private void WriteSizes(TextWriter output)
    {
        var sizes = series.Values.Where(one => one.Name.StartsWith(SizeBenchmark.NamePrefix, StringComparison.Ordinal) && one.Name.EndsWith(SizeBenchmark.Part, StringComparison.Ordinal)).ToList();
        if (sizes.Count == 0) return;
        output.WriteLine("\n## Start-up against the size of the read-only part\n");
        output.WriteLine("A job in hand → its first instruction, cold, one after another and in turns.\n");
        output.WriteLine("| read-only files beside a Debian | p50 ms | p10–p90 | ÷ the smallest | n |\n| --- | ---: | ---: | ---: | ---: |");
        foreach (var size in sizes) output.WriteLine($"| {size.Name[SizeBenchmark.NamePrefix.Length..^SizeBenchmark.Part.Length]} | {Spread(size, sizes[0])} | {size.Count} |");
        output.WriteLine($"\nThe largest takes {Ratio(sizes[^1], sizes[0])} of the smallest's time; {(Math.Abs((sizes[^1].Median / sizes[0].Median) - 1) <= 0.1 ? "that is" : "that is NOT")} flat within 10 %.");
    }

    private void WriteLosses(TextWriter output)
    {
        var (start, overlay, disk, podman) = (Start(Contenders.Ours), Start(Contenders.Overlay), Start(Contenders.OnDisk), Start(Contenders.Podman));
        if (start is null || overlay is null || disk is null || podman is null) return;
        output.WriteLine("\n## Where the split loses\n");
        output.WriteLine("The first write costs the split nothing more, for it has paid before: the whole editable part is copied for each sandbox, written to or not, unless the file system can share blocks (btrfs and xfs can, ext4 and tmpfs cannot).");
        output.WriteLine($"With 1 GiB in it, that is a start of {Text(start.Median)} ms onto memory and {Text(disk.Median)} ms onto the disk, against {Text(overlay.Median)} ms of the overlay engine and {Text(podman.Median)} ms of podman.");
        output.WriteLine("A program that never writes to such a file has waited for nothing: a large file that is only read belongs in the read-only part, and an image whose large files are rarely written to is better served by the overlay engine.");

        Series? Start(string contender) => Find(Workload.Patch, contender, nameof(WorkloadSeries.Start));
    }

    private void WriteFigures(TextWriter output)
    {
        output.WriteLine("\n## Figures\n\n| figure, of medians | here |\n| --- | ---: |");
        foreach (var peer in new[] { Contenders.Podman, Contenders.Rootless, Contenders.Overlay })
        {
            foreach (var workload in Workload.All) Figure($"{workload.Name}: {peer} ÷ contingious, in all", workload, peer, Contenders.Ours, nameof(WorkloadSeries.Total));
        }

        foreach (var workload in Workload.All.Where(workload => workload.IsWriting))
        {
            Figure($"{workload.Name}: contingious ÷ native in memory, by the program's clock", workload, Contenders.Ours, Contenders.NativeInMemory, nameof(WorkloadSeries.Inside));
            Figure($"{workload.Name}: contingious on disk ÷ native on disk, by the program's clock", workload, Contenders.OnDisk, Contenders.NativeOnDisk, nameof(WorkloadSeries.Inside));
            Figure($"{workload.Name}: podman, root ÷ native on disk, by the program's clock", workload, Contenders.Podman, Contenders.NativeOnDisk, nameof(WorkloadSeries.Inside));
        }

        void Figure(string name, Workload workload, string of, string by, string part)
        {
            if (Find(workload.Name, of, part) is { } one && Find(workload.Name, by, part) is { } other) output.WriteLine($"| {name} | {Ratio(one, other)} |");
        }
    }

    private Series? Find(string workload, string contender, string part) => series.GetValueOrDefault(WorkloadSeries.NameOf(workload, contender, part));

    private static string Spread(Series? of, Series? by) => of is null ? " | | " : $"{Text(of.Median)} | {Text(of.At(0.1))}–{Text(of.At(0.9))} | {(by is null ? "" : Ratio(of, by))}";

    private static string Ratio(Series of, Series by) => string.Create(CultureInfo.InvariantCulture, $"{of.Median / by.Median:0.00}");

    private static string Text(double value) => value.ToString(value < 10 ? "0.00" : value < 1000 ? "0.0" : "0", CultureInfo.InvariantCulture);

    // The plot has room for some forty letters.
    private static string Short(Workload workload) => workload.Name
        .Replace(" of the image", "", StringComparison.Ordinal)
        .Replace("an HTTP server's first answer", "HTTP", StringComparison.Ordinal)
        .Replace(" transactions of 100 inserts", " writes", StringComparison.Ordinal)
        .Replace("first write to a file of 1 GiB", "write to 1 GiB", StringComparison.Ordinal);

    private static string Short(string contender) => contender.Replace("contingious", "ours", StringComparison.Ordinal).Replace("a step's own command", "step", StringComparison.Ordinal);
}
