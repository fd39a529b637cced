using System.Text;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Integration.Delivery;

/// <summary>Small jobs of several kinds, each with the verdict and the output that it must come to; some posted twice, and messages that are no jobs between them.</summary>
internal sealed class MixedJobs(string prefix, int count, int seed)
{
    private static readonly Limits limits = Limits.Default with { CpuTime = TimeSpan.FromMilliseconds(300), WallTime = TimeSpan.FromSeconds(10), Memory = ByteSize.FromMiB(24), Disk = ByteSize.FromMiB(8) };

    private static readonly (string Script, Outcome Expected)[] kinds =
    [
        ("echo $ID", Outcome.Ok),
        ("echo $ID; exit 3", Outcome.NonZeroExit),
        ("echo $ID; sleep 0.2", Outcome.Ok),
        ("echo $ID; kill -6 $$", Outcome.Signalled),
        ("echo $ID; head -c 100000 /dev/zero", Outcome.Ok),
    ];

    private readonly Random random = new(seed);

    public IReadOnlyList<string> Ids { get; } = [.. Enumerable.Range(0, count).Select(i => $"{prefix}-{i}")];

    /// <summary>Posts them all, in an order and to classes that the seed decides. One in ten is posted twice, one in twenty has a poison message behind it.</summary>
    public async Task PostAsync(Mail mail)
    {
        foreach (var id in Ids)
        {
            var body = JobCodec.Encode(JobOf(id));
            var to = (JobClass)random.Next(4);
            await mail.PostAsync(body, to);
            if (random.Next(10) == 0) await mail.PostAsync(body, random.Next(2) == 0 ? to : (JobClass)random.Next(4));
            if (random.Next(20) == 0) await mail.PostAsync(Poison(body), to, withReply: false);
        }
    }

    public void AssertRight(IReadOnlyDictionary<string, System.Collections.Concurrent.ConcurrentBag<Answer>> answers)
    {
        foreach (var id in Ids)
        {
            var report = answers[id].First().Result.Report;
            Assert.Equal((id, KindOf(id).Expected, ""), (id, report.Outcome, report.Message.StartsWith("no ", StringComparison.Ordinal) ? report.Message : ""));
            Assert.StartsWith($"{id}\n", Encoding.UTF8.GetString(report.Steps[0].Stdout.Span), StringComparison.Ordinal);
        }
    }

    private static (string Script, Outcome Expected) KindOf(string id) => kinds[int.Parse(id[(id.LastIndexOf('-') + 1)..]) % kinds.Length];

    private static Job JobOf(string id)
    {
        var step = new StepRequest { Name = "step", Args = ["sh", "-c", KindOf(id).Script], Env = new Dictionary<string, string> { ["ID"] = id }, Limits = limits };
        return new Job(id, 1, new RunRequest { Id = SandboxId.For(id, 1), Image = EngineFixture.ImageName, Steps = [step], Limits = limits });
    }

    private byte[] Poison(ReadOnlyMemory<byte> body)
    {
        var poison = body.ToArray()[..random.Next(1, body.Length)];
        random.NextBytes(poison.AsSpan(0, Math.Min(8, poison.Length)));
        return poison;
    }
}
