using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire;

/// <summary>Every rule of docs/wire.md, broken once: the refusal names the field.</summary>
public sealed class JobRefusalTests
{
    private static readonly (object? Key, object? Value) NoContent = ("content", Array.Empty<byte>());

    [Theory]
    [MemberData(nameof(BrokenJobs))]
    public void A_broken_rule_is_refused_with_its_field(string field, string reason, BrokenJob job)
    {
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(Pack.Value(job.Entries)));
        Assert.Equal(field, refusal.Field);
        Assert.Contains(reason, refusal.Reason, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Reason, StringComparison.Ordinal);
        Assert.Equal(field is "job_id" ? "" : "job-1", refusal.JobId);
    }

    public static TheoryData<string, string, BrokenJob> BrokenJobs() => new()
    {
        { "v", "missing", new(Samples.SmallJob.Without("v")) },
        { "v", "1 to 1 is allowed", new(Samples.SmallJob.With("v", 2)) },
        { "v", "Expected a whole number, found text", new(Samples.SmallJob.With("v", "1")) },
        { "job_id", "missing", new(Samples.SmallJob.Without("job_id")) },
        { "job_id", "missing", new(Samples.SmallJob.With("job_id", null)) },
        { "job_id", "1 to 128 characters", new(Samples.SmallJob.With("job_id", "../x")) },
        { "job_id", "1 to 128 characters", new(Samples.SmallJob.With("job_id", new string('a', 129))) },
        { "job_id", "Expected text, found a whole number", new(Samples.SmallJob.With("job_id", 7)) },
        { "attempt", "0 to 1,000,000", new(Samples.SmallJob.With("attempt", -1)) },
        { "attempt", "0 to 1,000,000", new(Samples.SmallJob.With("attempt", 1_000_001)) },
        { "image", "missing", new(Samples.SmallJob.Without("image")) },
        { "image", "1 to 256", new(Samples.SmallJob.With("image", "")) },
        { "image", "1 to 256", new(Samples.SmallJob.With("image", new string('a', 257))) },
        { "image", "is no image", new(Samples.SmallJob.With("image", "a/../b")) },
        { "image", "is no image", new(Samples.SmallJob.With("image", "a b")) },
        { "steps", "missing", new(Samples.SmallJob.Without("steps")) },
        { "steps", "1 to 64", new(Samples.SmallJob.With("steps", Array.Empty<object>())) },
        { "steps", "1 to 64", new(Samples.SmallJob.With("steps", Repeat(Pack.M(), 65))) },
        { "steps", "Expected an array", new(Samples.SmallJob.With("steps", Pack.M())) },
        { "steps[1]", "Expected a map", new(Samples.SmallJob.With("steps", new object[] { Pack.M(), 1 })) },
        { "outputs", "0 to 64", new(Samples.SmallJob.With("outputs", Repeat("*", 65))) },
        { "outputs[0]", "'..'", new(Samples.SmallJob.With("outputs", new[] { "../*" })) },
        { "outputs[1]", "empty", new(Samples.SmallJob.With("outputs", new[] { "*", "" })) },
        { "root", "Expected a bool", new(Samples.SmallJob.With("root", 1)) },
        { "network", "none, internet", new(Samples.SmallJob.With("network", "host")) },
        { "network", "none, internet", new(Samples.SmallJob.With("network", "Internet")) },
        { "mounts", "0 to 16", new(Samples.SmallJob.With("mounts", Repeat(Pack.M(("source", "/a"), ("target", "/b")), 17))) },
        { "mounts[0].source", "missing", new(Samples.SmallJob.With("mounts", new[] { Pack.M(("target", "/b")) })) },
        { "mounts[0].source", "not absolute", new(Samples.SmallJob.With("mounts", new[] { Pack.M(("source", "a"), ("target", "/b")) })) },
        { "mounts[0].target", "'..'", new(Samples.SmallJob.With("mounts", new[] { Pack.M(("source", "/a"), ("target", "/b/..")) })) },
        { "steps[0].image", "is no image", new(Samples.JobOfStep(("image", "a b"))) },
        { "steps[0].when", "on_success, on_failure, always", new(Samples.JobOfStep(("when", "never"))) },
        { "steps[0].fresh", "Expected a bool", new(Samples.JobOfStep(("fresh", "yes"))) },
        { "files", "0 to 4,096", new(Samples.SmallJob.With("files", Repeat(Pack.M(("path", "a"), NoContent), 4_097))) },
        { "files[0].path", "'..'", File("a/../../b") },
        { "files[0].path", "NUL", File("a\0b") },
        { "files[0].path", "empty", File("") },
        { "files[0].path", "names a directory", File("a/") },
        { "files[0].path", "4,095 bytes", File(string.Join('/', Repeat("ä", 1_400))) },
        { "files[0].path", "255 bytes", File(new string('a', 256)) },
        { "files[0].path", "missing", new(Samples.SmallJob.With("files", new[] { Pack.M(NoContent) })) },
        { "files[0].content", "missing", new(Samples.SmallJob.With("files", new[] { Pack.M(("path", "a")) })) },
        { "files[0].content", "Expected bytes, found an array", new(Samples.SmallJob.With("files", new[] { Pack.M(("path", "a"), ("content", Array.Empty<object>())) })) },
        { "files[1].content", "16 MiB together", new(Samples.SmallJob.With("files", Repeat(Pack.M(("path", "a"), ("content", new byte[9 << 20])), 2))) },
        { "files[0].executable", "Expected a bool", new(Samples.SmallJob.With("files", new[] { Pack.M(("path", "a"), NoContent, ("executable", 1)) })) },
        { "archives", "0 to 16", new(Samples.SmallJob.With("archives", Repeat(Pack.M(NoContent), 17))) },
        { "archives[0].content", "missing", new(Samples.SmallJob.With("archives", new[] { Pack.M() })) },
        { "archives[0].path", "'..'", new(Samples.SmallJob.With("archives", new[] { Pack.M(("path", ".."), NoContent) })) },
        { "steps[0].name", "64 characters", Step("name", new string('a', 65)) },
        { "steps[0].name", "control", Step("name", "a\u001b[2J") },
        { "steps[0].args", "0 to 4,096", Step("args", Repeat("a", 4_097)) },
        { "steps[0].args[1]", "128 KiB", Step("args", Repeat(new string('a', 70_000), 2)) },
        { "steps[0].args[1]", "NUL", Step("args", new[] { "a", "b\0" }) },
        { "steps[0].args[0]", "Expected text", Step("args", new object[] { 1 }) },
        { "steps[0].args", "is empty", Step("args", new[] { "", "b" }) },
        { "steps[0].args", "Expected an array, found text", Step("args", "rm -rf /") },
        { "steps[0].env", "1,024", Step("env", new Pack.Entries([.. Enumerable.Range(0, 1_025).Select(i => ((object?)$"n{i}", (object?)""))])) },
        { "steps[0].env.B", "128 KiB", Step("env", Pack.M(("A", new string('a', 70_000)), ("B", new string('b', 70_000)))) },
        { "steps[0].env.A", "twice", Step("env", Pack.M(("A", "1"), ("A", "2"))) },
        { "steps[0].env.A", "NUL", Step("env", Pack.M(("A", "\0"))) },
        { "steps[0].env.A", "Expected text", Step("env", Pack.M(("A", 1))) },
        { "steps[0].env", "'='", Step("env", Pack.M(("A=B", ""))) },
        { "steps[0].env", "not empty", Step("env", Pack.M(("", ""))) },
        { "steps[0].cwd", "not absolute", Step("cwd", "grade") },
        { "steps[0].cwd", "'..'", Step("cwd", "/grade/..") },
        { "steps[0].cwd", "/proc", Step("cwd", "//./proc/self/root") },
        { "steps[0].cwd", "NUL", Step("cwd", "/a\0") },
        { "steps[0].user", "is no user", Step("user", "root:root") },
        { "steps[0].user", "is no user", Step("user", "") },
        { "steps[0].user", "is no user", Step("user", "1:2:3") },
        { "steps[0].user", "is no user", Step("user", "4294967295") },
        { "steps[0].user", "is no user", Step("user", "-1") },
        { "steps[0].stdin", "16 MiB", Step("stdin", new byte[(16 << 20) + 1]) },
        { "steps[0].files[0].path", "'..'", Step("files", new[] { Pack.M(("path", ".."), NoContent) }) },
        { "steps[0].limits.memory_bytes", "16,777,216 to 68,719,476,736", Step("limits", Pack.M(("memory_bytes", 1))) },
        { "steps[0].limits.cpu_time_ms", "higher than the job's 10000", Step("limits", Pack.M(("cpu_time_ms", 10_001))) },
        { "steps[0].limits.disk_bytes", "whole job", Step("limits", Pack.M(("disk_bytes", 1))) },
        { "limits.cpus", "0.1 to 64", Limit("cpus", 0.05) },
        { "limits.cpus", "0.1 to 64", Limit("cpus", double.NaN) },
        { "limits.cpus", "0.1 to 64", Limit("cpus", double.PositiveInfinity) },
        { "limits.cpus", "Expected a number", Limit("cpus", "1") },
        { "limits.processes", "Expected a whole number", Limit("processes", 1.5) },
        { "", "keys", new(Samples.SmallJob.With("steps", new[] { Pack.M() }) with { Items = [.. Samples.SmallJob.Items, (1, 2)] }) },
        { "image", "twice", new(new([.. Samples.SmallJob.Items, ("image", "b")])) },
        { "image", "twice", new(new([("image", null), .. Samples.SmallJob.Items])) },
    };

    [Theory]
    [InlineData("cpu_time_ms", 1, 1_200_000)]
    [InlineData("wall_time_ms", 1, 1_200_000)]
    [InlineData("memory_bytes", 16L << 20, 64L << 30)]
    [InlineData("processes", 1, 4_096)]
    [InlineData("disk_bytes", 0, 64L << 30)]
    [InlineData("inodes", 0, 10_000_000)]
    [InlineData("file_size_bytes", 0, 64L << 30)]
    [InlineData("open_files", 16, 65_536)]
    [InlineData("stack_bytes", 64L << 10, 64L << 30)]
    [InlineData("stdout_bytes", 0, 8L << 20)]
    [InlineData("stderr_bytes", 0, 8L << 20)]
    [InlineData("produced_output_bytes", 0, 16L << 30)]
    public void A_limit_is_taken_at_both_ends_of_its_range_and_refused_beyond(string key, long least, long most)
    {
        foreach (var value in new[] { least, most }) _ = JobCodec.Decode(Pack.Value(Limit(key, value).Entries));
        foreach (var value in new[] { least - 1, most + 1, long.MinValue, long.MaxValue })
        {
            var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(Pack.Value(Limit(key, value).Entries)));
            Assert.Equal($"limits.{key}", refusal.Field);
        }
    }

    [Fact]
    public void The_job_is_named_in_the_refusal_even_where_its_id_comes_after_what_is_wrong()
    {
        var message = Pack.Map(("v", 1), ("steps", 7), ("attempt", 3), ("job_id", "late"), ("image", "a"));
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(message));
        Assert.Equal(("steps", "late", 3), (refusal.Field, refusal.JobId, refusal.Attempt));
    }

    [Fact]
    public void A_message_with_something_behind_it_is_refused()
    {
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode((byte[])[.. Pack.Value(Samples.SmallJob), 0xc0]));
        Assert.Contains("Bytes follow", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_larger_than_32_MiB_is_not_even_looked_at()
    {
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(new byte[(32 << 20) + 1]));
        Assert.Contains("32 MiB", refusal.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quoted_text_is_one_short_line_that_no_terminal_obeys()
    {
        var refusal = Assert.Throws<WireException>(() => JobCodec.Decode(Pack.Value(Step("cwd", "\u001b]0;owned\n\u202e" + new string('x', 10_000)).Entries)));
        Assert.DoesNotContain(refusal.Reason, char.IsControl);
        Assert.Contains("\\u{1b}", refusal.Reason, StringComparison.Ordinal);
        Assert.InRange(refusal.Reason.Length, 1, 200);
    }

    private static BrokenJob File(string path) => new(Samples.SmallJob.With("files", new[] { Pack.M(("path", path), NoContent) }));

    private static BrokenJob Step(string key, object? value) => new(Samples.JobOfStep((key, value)));

    private static BrokenJob Limit(string key, object? value) => new(Samples.SmallJob.With("limits", Pack.M((key, value))));

    private static T[] Repeat<T>(T item, int count) => [.. Enumerable.Repeat(item, count)];

    /// <summary>Hides the entries from the runner, which would print them.</summary>
    public sealed class BrokenJob
    {
        internal BrokenJob(Pack.Entries entries) => Entries = entries;

        internal Pack.Entries Entries { get; }
    }
}
