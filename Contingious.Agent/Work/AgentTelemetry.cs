using System.Diagnostics;
using System.Diagnostics.Metrics;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>
/// What the agent counts. The names of instruments, those of OpenTelemetry's semantic conventions where there is one, are in docs/operating.md.
/// No tag holds anything that a job says: neither ids nor names, so that the series are few and nothing of a submission is in them.
/// </summary>
internal static class AgentTelemetry
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string Name = "Contingious.Agent";

    public const string ClassTag = "contingious.job.class";
    public const string OutcomeTag = Engine.Telemetry.OutcomeTag;
    public const string BlameTag = "contingious.blame";
    public const string StageTag = "contingious.stage";
    public const string RepeatedTag = "contingious.repeated";
    public const string RedeliveredTag = "contingious.redelivered";

    private const string SystemTag = "messaging.system";
    private const string OperationTag = "messaging.operation.name";
    private const string Broker = "rabbitmq";

    private static readonly Meter meter = new(Name);

    // From a hello world's few milliseconds to the longest job, and its wait in the queue.
    private static readonly InstrumentAdvice<double> ofJobs = Buckets(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 3600);
    private static readonly InstrumentAdvice<double> ofStages = Buckets(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1200);

    private static readonly Counter<long> taken = meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}", "Jobs that were taken from their queues.");
    private static readonly Histogram<double> holding = meter.CreateHistogram("messaging.process.duration", "s", "From taking a job to acknowledging it.", advice: ofJobs);
    private static readonly Histogram<double> waiting = meter.CreateHistogram("contingious.job.queue.duration", "s", "How old a job was when it was taken, as far as its sender gave it a time.", advice: ofJobs);
    private static readonly Histogram<double> stages = meter.CreateHistogram("contingious.job.stage.duration", "s", "How long each stage of a job took, by its result.", advice: ofStages);
    private static readonly Counter<long> answered = meter.CreateCounter<long>("contingious.jobs.answered", "{job}", "Jobs whose final result the broker has.");
    private static readonly Counter<long> refused = meter.CreateCounter<long>("contingious.jobs.refused", "{message}", "Messages that were no jobs.");
    private static readonly Counter<long> faults = meter.CreateCounter<long>("contingious.infra.faults", "{fault}", "Faults of ours: they count towards quarantine.");
    private static readonly Counter<long> unpublished = meter.CreateCounter<long>("contingious.results.unpublished", "{result}", "Results that the broker did not take, by why.");
    private static readonly Counter<long> losses = meter.CreateCounter<long>("contingious.broker.connection.losses", "{connection}", "Connections to the broker that were lost.");

    /// <summary>A job was taken from its queue.</summary>
    /// <param name="ofClass">Its class.</param>
    /// <param name="redelivered">It was delivered before.</param>
    /// <param name="age">Since it was posted, where its message says when; below zero counts as zero, for clocks differ.</param>
    public static void Taken(JobClass ofClass, bool redelivered, TimeSpan? age = null)
    {
        taken.Add(1, new TagList { { SystemTag, Broker }, { OperationTag, "receive" }, { ClassTag, NameOf(ofClass) }, { RedeliveredTag, redelivered } });
        if (age is { } old) waiting.Record(Math.Max(0, old.TotalSeconds), new TagList { { ClassTag, NameOf(ofClass) } });
    }

    /// <summary>A job has its final result with the broker.</summary>
    /// <param name="ofClass">Its class.</param>
    /// <param name="outcome">Its fate.</param>
    /// <param name="held">From being taken to being acknowledged.</param>
    /// <param name="repeated">It was known, and not run for this.</param>
    public static void Answered(JobClass ofClass, Outcome outcome, TimeSpan held, bool repeated)
    {
        answered.Add(1, new TagList { { ClassTag, NameOf(ofClass) }, { OutcomeTag, outcome.ToString() }, { BlameTag, outcome.Blame().ToString() }, { RepeatedTag, repeated } });
        holding.Record(held.TotalSeconds, new TagList { { SystemTag, Broker }, { OperationTag, "process" }, { ClassTag, NameOf(ofClass) }, { RepeatedTag, repeated } });
    }

    /// <summary>A job was run for this agent: how long each stage took. Not to be called for a result that was known.</summary>
    /// <param name="result">The encoded result. It is read only where somebody listens.</param>
    public static void Ran(ReadOnlyMemory<byte> result)
    {
        if (!stages.Enabled) return;
        try
        {
            foreach (var timing in JobResultCodec.Decode(result).Report.Timings) stages.Record(timing.Elapsed.TotalSeconds, new TagList { { StageTag, timing.Stage.ToString() } });
        }
        catch (WireException)
        {
            // Whoever uses the result says that it is none; what is counted is not worth a second word.
        }
    }

    /// <summary>A message was refused as no job.</summary>
    public static void Refused(JobClass ofClass) => refused.Add(1, new TagList { { ClassTag, NameOf(ofClass) } });

    /// <summary>A fault of ours: it counts towards quarantine.</summary>
    public static void InfraFault() => faults.Add(1);

    /// <summary>The broker did not take a result.</summary>
    /// <param name="why">One of a few words, such as <c>lost</c> or <c>refused</c>.</param>
    public static void Unpublished(string why) => unpublished.Add(1, new TagList { { "error.type", why } });

    /// <summary>The connection to the broker was lost.</summary>
    public static void ConnectionLost() => losses.Add(1, new TagList { { SystemTag, Broker } });

    private static string NameOf(JobClass ofClass) => ofClass switch
    {
        JobClass.Exam => "exam",
        JobClass.Interactive => "interactive",
        JobClass.Batch => "batch",
        JobClass.Replay => "replay",
        _ => throw new ArgumentOutOfRangeException(nameof(ofClass), ofClass, "Not a class."),
    };

    private static InstrumentAdvice<double> Buckets(params double[] bounds) => new() { HistogramBucketBoundaries = bounds };
}
