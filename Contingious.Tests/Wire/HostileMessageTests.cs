using System.Diagnostics;
using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire;

public sealed class HostileMessageTests
{
    private const int Seed = 20_261_121;
    private const int Cases = 20_000;
    private const long MostAllocated = 1 << 20;

    private static readonly byte[] ValidJob = Pack.Value(
        Samples.SmallJob
            .With("attempt", 2)
            .With("files", new[] { Pack.M(("path", "a"), ("content", new byte[] { 1, 2, 3 }), ("executable", true)) })
            .With("archives", new[] { Pack.M(("content", Tar.Of(Tar.File("x/y", "content"))), ("path", "sub")) })
            .With("outputs", new[] { "*" })
            .With("limits", Pack.M(("cpu_time_ms", 1_000), ("cpus", 2.5)))
            .With("unknown", new object?[] { 1, Pack.M(("a", null)) })
            .With("steps", new[] { Samples.Step(("args", new[] { "a", "b" }), ("env", Pack.M(("A", "B"))), ("stdin", "in"), ("cwd", "/w"), ("user", "0"), ("limits", Pack.M(("processes", 3)))) }));

    [Fact]
    public void Every_truncated_prefix_of_a_job_is_refused()
    {
        _ = JobCodec.Decode(ValidJob);
        for (var length = 0; length < ValidJob.Length; length++)
        {
            var prefix = ValidJob.AsMemory(0, length);
            Assert.Throws<WireException>(() => JobCodec.Decode(prefix));
        }
    }

    [Fact]
    public void Every_truncated_prefix_of_a_result_is_refused()
    {
        var valid = JobResultCodec.Encode(Samples.FullResult);
        for (var length = 0; length < valid.Length; length++)
        {
            var prefix = valid[..length];
            Assert.Throws<WireException>(() => JobResultCodec.Decode(prefix));
        }
    }

    [Fact]
    public void Mutated_jobs_are_read_or_refused_and_nothing_else() => Bombard(ValidJob, bytes => JobCodec.Decode(bytes));

    [Fact]
    public void Mutated_results_are_read_or_refused_and_nothing_else() =>
        Bombard(JobResultCodec.Encode(Samples.FullResult).ToArray(), bytes => JobResultCodec.Decode(bytes));

    [Fact]
    public void Random_bytes_are_refused()
    {
        var random = new Random(Seed);
        for (var i = 0; i < Cases; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            Assert.Throws<WireException>(() => JobCodec.Decode(bytes));
        }
    }

    [Theory]
    [InlineData("dd-ff-ff-ff-ff")]
    [InlineData("df-ff-ff-ff-ff")]
    [InlineData("81-a5-73-74-65-70-73-dd-ff-ff-ff-ff")]
    [InlineData("81-a5-66-69-6c-65-73-dd-00-0f-ff-ff")]
    [InlineData("81-a5-69-6d-61-67-65-db-ff-ff-ff-ff")]
    [InlineData("81-a1-78-c6-ff-ff-ff-ff")]
    [InlineData("81-a1-78-c9-ff-ff-ff-ff-ff")]
    public void A_bomb_is_refused_quickly_and_for_little(string hex)
    {
        var bomb = Convert.FromHexString(hex.Replace("-", "", StringComparison.Ordinal));
        Assert.Throws<WireException>(() => JobCodec.Decode(bomb));
        AssertCheaplyRefused(bomb);
    }

    [Fact]
    public void A_million_items_that_are_there_are_refused_for_little()
    {
        AssertCheaplyRefused(Pack.Map(("steps", new object?[1_000_000])));
        AssertCheaplyRefused(Pack.Value(Samples.JobOfStep(("args", new object?[1_000_000]))));
        var deep = Enumerable.Repeat((byte)0x91, 100_000);
        AssertCheaplyRefused([0x81, 0xa1, 0x78, .. deep]);
    }

    [Fact]
    public void A_million_unknown_keys_are_passed_over_for_little()
    {
        var entries = Enumerable.Range(0, 1_000_000).Select(i => ((object?)"same", (object?)i));
        var message = Pack.Value(Samples.SmallJob.With("x", new Pack.Entries([.. entries])));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("job-1", JobCodec.Decode(message).JobId);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostAllocated);
    }

    private static void AssertCheaplyRefused(byte[] message)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<WireException>(() => JobCodec.Decode(message));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostAllocated);
    }

    private static void Bombard(byte[] valid, Func<ReadOnlyMemory<byte>, object> decode)
    {
        var random = new Random(Seed);
        var watch = Stopwatch.StartNew();
        var refused = 0;
        for (var i = 0; i < Cases; i++)
        {
            var bytes = Mutate(valid, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                _ = decode(bytes);
            }
            catch (WireException)
            {
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"case {i}: {Convert.ToHexString(bytes)}: {error}");
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostAllocated);
        }

        Assert.InRange(refused, Cases / 10, Cases);
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }

    private static byte[] Mutate(byte[] valid, Random random)
    {
        var bytes = new List<byte>(valid);
        for (var left = random.Next(1, 6); left > 0 && bytes.Count > 0; left--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes.Insert(at, (byte)random.Next(256)); break;
                case 3: bytes.RemoveAt(at); break;
                default: bytes.RemoveRange(at, Math.Min(random.Next(16), bytes.Count - at)); break;
            }
        }

        return [.. bytes];
    }
}
