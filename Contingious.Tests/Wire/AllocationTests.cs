using System.Diagnostics;
using System.Text;
using Contingious.Agent.Wire;
using Contingious.Tests.Wire.Fuzzing;

namespace Contingious.Tests.Wire;

/// <summary>Messages that are as dear as they can be for their size. What is measured is all that is allocated, kept or not.</summary>
public sealed class AllocationTests
{
    private static readonly object?[] fullSteps = [.. Enumerable.Repeat((object?)Samples.Step(("args", Enumerable.Repeat("a", 4_096).ToArray())), 64)];

    public static TheoryData<string> Dear => [.. messages.Keys];

    private static readonly Dictionary<string, (Func<byte[]> Make, Action<ReadOnlyMemory<byte>> Decode)> messages = new()
    {
        ["64 steps of 4,096 arguments of one letter"] = (() => Job("steps", fullSteps), Decode),
        ["64 steps of 1,024 variables"] = (() => Job("steps", Steps(("env", new Pack.Entries([.. Enumerable.Range(0, 1_024).Select(i => ((object?)$"{i:x}", (object?)""))])))), Decode),
        ["64 steps of 4,096 empty files"] = (() => Job("steps", Steps(("files", Files()))), Decode),
        ["64 steps of every limit"] = (() => Job("steps", Steps(("limits", Pack.M(LimitRule.All.Select(rule => ((object?)rule.Key, (object?)rule.Least)).Take(5).ToArray())))), Decode),
        ["an archive of 10,000 empty files"] = (() => Job("archives", Archive(Tars(10_000))), Decode),
        ["a working directory of eight million names"] = (() => Pack.Value(Samples.JobOfStep(("cwd", Repeated("/a", 8 << 20)))), Decode),
        ["a user of sixteen million colons"] = (() => Pack.Value(Samples.JobOfStep(("user", Repeated(":", 16 << 20)))), Decode),
        ["a working directory of half a million names"] = (() => Pack.Value(Samples.JobOfStep(("cwd", Repeated("/a", 500_000)))), Decode),
        ["a user of a million colons"] = (() => Pack.Value(Samples.JobOfStep(("user", Repeated(":", 1_000_000)))), Decode),
        ["an image of sixteen million letters"] = (() => Job("image", Repeated("a", 16 << 20)), Decode),
        ["a name of sixteen million bytes that are no text"] = (() => Raw("image", Enumerable.Repeat((byte)0xff, 16 << 20)), Decode),
        ["a million unknown maps"] = (() => Job("x", Enumerable.Repeat((object?)Pack.M(("a", 1)), 1_000_000).ToArray()), Decode),
        ["a result of 100,000 outputs"] = (() => Result("outputs", Enumerable.Repeat((object?)Pack.M(("path", ""), ("status", "Missing")), 100_000).ToArray()), DecodeResult),
        ["a result of 100,000 timings"] = (() => Result("timings", Enumerable.Repeat((object?)Pack.M(("stage", "Wait"), ("us", 1)), 100_000).ToArray()), DecodeResult),
        ["a result of 64 steps of 64 flags"] = (() => Result("steps", Enumerable.Repeat((object?)Samples.Step(("outcome", "Ok"), ("flags", Enumerable.Repeat("Idle", 64).ToArray())), 64).ToArray()), DecodeResult),
        ["an INGInious answer of control characters"] = (() => Inginious(Repeated("\u0001", 2 << 20)), DecodeInginious),
        ["an INGInious answer of 100,000 empty arrays"] = (() => Inginious(Enumerable.Repeat((object?)Array.Empty<object?>(), 100_000).ToArray()), DecodeInginious),
        ["an INGInious answer of 100,000 large numbers"] = (() => Inginious(Enumerable.Repeat((object?)-1, 100_000).ToArray()), DecodeInginious),
    };

    [Theory]
    [MemberData(nameof(Dear))]
    public void R2_No_message_costs_more_than_the_stated_factor_of_its_size(string name)
    {
        var (make, decode) = messages[name];
        var message = make();
        Try(decode, FuzzSeeds.Job);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var started = Stopwatch.GetTimestamp();
        Try(decode, message);
        var (elapsed, allocated) = (Stopwatch.GetElapsedTime(started), GC.GetAllocatedBytesForCurrentThread() - before);
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {message.Length:N0} bytes, {(double)allocated / message.Length:0.0} for each, {elapsed.TotalMilliseconds:0} ms");
        Assert.InRange(allocated, 0, (256 << 10) + ((long)WireFormat.AllocationFactor * message.Length));
        Assert.InRange(elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void R2_Sixteen_archives_of_zeros_are_refused_under_one_bound_for_all()
    {
        var bomb = Tar.Gzip(new byte[80 << 20]);
        var message = Job("archives", Enumerable.Repeat((object?)Pack.M(("content", bomb)), 16).ToArray());
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(message));
        Assert.Equal("archives[1]", refusal.Field);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, WireFormat.MaxUnpackedBytes.Bytes + (24 << 20));
    }

    [Fact]
    public void R2_Extended_headers_are_bounded_together()
    {
        var records = string.Concat(Enumerable.Range(0, 6_000).Select(i => $"10 {i:x4}=a\n"));
        byte[] entry = [.. Tar.Header('x', Convert.ToString(records.Length, 8)), .. Encoding.ASCII.GetBytes(records), .. new byte[512 - (records.Length % 512)], .. Tar.Header('0', "0")];
        var archive = Enumerable.Repeat(entry, 300).SelectMany(bytes => bytes).ToArray();
        var message = Job("archives", Archive(Tar.Gzip(archive)));
        var (before, started) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(message));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{message.Length:N0} bytes: {allocated >> 20} MiB, {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0} ms: {refusal.Message}");
        Assert.Contains("8 MiB", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(allocated, 0, 400L << 20);
    }

    private static void Decode(ReadOnlyMemory<byte> message) => JobCodec.Decode(message);

    private static void DecodeResult(ReadOnlyMemory<byte> message) => JobResultCodec.Decode(message);

    private static void DecodeInginious(ReadOnlyMemory<byte> message) => InginiousJobCodec.Decode(message);

    private static void Try(Action<ReadOnlyMemory<byte>> decode, byte[] message)
    {
        try
        {
            decode(message);
        }
        catch (WireException error)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(error.Message);
        }
    }

    private static byte[] Job(string key, object? value) => Pack.Value(Samples.SmallJob.With(key, value));

    private static object?[] Steps(params (object? Key, object? Value)[] entries) => [.. Enumerable.Repeat((object?)Samples.Step(entries), 64)];

    private static object?[] Files() => [.. Enumerable.Repeat((object?)Pack.M(("path", "a"), ("content", Array.Empty<byte>())), 4_096)];

    private static object?[] Archive(byte[] tar) => [Pack.M(("content", tar))];

    private static byte[] Tars(int count) => [.. Enumerable.Range(0, count).SelectMany(i => Tar.Header('0', "0", $"{i}"))];

    private static string Repeated(string text, int count) => new StringBuilder().Insert(0, text, count).ToString();

    private static byte[] Raw(string key, IEnumerable<byte> text)
    {
        var bytes = text.ToArray();
        return [0x81, (byte)(0xa0 + key.Length), .. Encoding.ASCII.GetBytes(key), 0xdb, (byte)(bytes.Length >> 24), (byte)(bytes.Length >> 16), (byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];
    }

    private static byte[] Result(string key, object? value) => Pack.Map(("v", 1), ("job_id", "j"), ("outcome", "Ok"), (key, value));

    private static byte[] Inginious(object? answer) => Pack.Map(
        ("job_id", "j"), ("course_id", null), ("task_id", null), ("task_problems", Pack.M()), ("inputdata", Pack.M(("q", answer))), ("environment_type", "docker"), ("environment", "default"),
        ("environment_parameters", Pack.M()), ("debug", false), ("@type", "BackendNewJob"));
}
