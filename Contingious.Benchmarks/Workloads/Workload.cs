namespace Contingious.Benchmarks.Workloads;

/// <summary>A command that is run in a new container of each contender.</summary>
/// <param name="Name">As the report has it.</param>
/// <param name="Args">Program and arguments, as they are inside the container.</param>
internal sealed record Workload(string Name, params IReadOnlyList<string> Args)
{
    /// <summary>Where the images have what <c>workload.py make</c> made, and that program.</summary>
    public const string Place = "/opt/workloads";

    /// <summary>A file of 1 GiB in the image <see cref="Gigabyte"/>, whose cut has it in the editable part.</summary>
    public const string LargeFile = "/data/large";

    public const string Gigabyte = "gigabyte";
    public const string Hello = "hello world";
    public const string Patch = "first write to a file of 1 GiB";

    private const string Files = "files";
    private const int Middling = 3;
    private const int Dear = 10;

    /// <summary>What the image's name ends in.</summary>
    public string Image { get; init; } = Files;

    /// <summary>Whether it is measured on the host too, and on a disk: what writes is.</summary>
    public bool IsWriting { get; init; }

    /// <summary>It has one round for so many of a cheap workload's, where a round takes long.</summary>
    public int Dearness { get; init; } = 1;

    /// <summary>Whether it prints how long it took, by its own clock.</summary>
    public bool IsTimedInside { get; init; } = true;

    public static IReadOnlyList<Workload> All { get; } =
    [
        new(Hello, "/bin/echo", "Hello World") { IsTimedInside = false },
        Python("an HTTP server's first answer", "http"),
        Python("read 10,000 files of the image", "read", $"{Place}/files", "10000"),
        Python("read 100,000 files of the image", "read", $"{Place}/files", "100000") with { Dearness = Dear },
        Python("untar 10,000 files", "untar", $"{Place}/tenth.tar") with { IsWriting = true, Dearness = Middling },
        Python("untar 100,000 files", "untar", $"{Place}/all.tar") with { IsWriting = true, Dearness = Dear },
        Python("SQLite, 20,000 reads", "select", $"{Place}/points.db", "20000"),
        Python("SQLite, 500 transactions of 100 inserts", "insert", "500") with { IsWriting = true },
        Python("write 10,000 files", "write", "10000") with { IsWriting = true, Dearness = Middling },
        Python(Patch, "patch", LargeFile) with { Image = Gigabyte, IsWriting = true, Dearness = Dear },
    ];

    private static Workload Python(string name, params IReadOnlyList<string> args) => new(name, ["python3", $"{Place}/workload.py", .. args]);
}

/// <summary>One run of a workload.</summary>
/// <param name="Total">From the call or command that makes the container to the end of the program inside.</param>
/// <param name="Start">The part of it until the container runs; nothing where there is none.</param>
/// <param name="Said">What the program printed.</param>
internal readonly record struct WorkloadSample(TimeSpan Total, TimeSpan Start, string Said);
