using Contingious.Engine.Host;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>Reads one heartbeat, from an agent that nobody vouches for. Classes and levels that a newer agent may know are passed over.</summary>
internal ref struct AgentStatusDecoder(ReadOnlyMemory<byte> message, FieldPath path)
{
    private static readonly MapKeys StatusKeys = new(
        ["v", "name", "state"],
        ["host", "version", "since_ms", "reason", "time_ms", "capacity", "free", "running", "running_jobs", "held", "held_jobs", "images", "programs", "capabilities", "findings", "classes"]);

    private static readonly MapKeys CapacityKeys = new(["cpus", "memory_bytes", "disk_bytes", "slots"], []);
    private static readonly MapKeys ImageKeys = new(["name", "digest"], []);
    private static readonly MapKeys FindingKeys = new(["level", "text"], []);

    private WireReader reader = new(message, path);

    public AgentStatus Read()
    {
        var status = new AgentStatus { Name = "" };
        var map = reader.BeginMap(StatusKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "v": reader.ReadVersion(); break;
                case "name": status = status with { Name = ReadText() }; break;
                case "host": status = status with { Host = ReadText() }; break;
                case "version": status = status with { Version = ReadText() }; break;
                case "state": status = status with { State = ReadState() }; break;
                case "since_ms": status = status with { Since = ReadTime() }; break;
                case "reason": status = status with { Reason = ReadText() }; break;
                case "time_ms": status = status with { Time = ReadTime() }; break;
                case "capacity": status = status with { Capacity = ReadCapacity() }; break;
                case "free": status = status with { Free = ReadCapacity() }; break;
                case "running": status = status with { Running = ReadCount() }; break;
                case "running_jobs": status = status with { RunningJobs = ReadTexts(AgentStatus.MaxJobs) }; break;
                case "held": status = status with { Held = ReadCount() }; break;
                case "held_jobs": status = status with { HeldJobs = ReadTexts(AgentStatus.MaxJobs) }; break;
                case "images": status = status with { Images = ReadImages() }; break;
                case "programs": status = status with { Programs = ReadPrograms() }; break;
                case "capabilities": status = status with { Capabilities = ReadTexts(AgentStatus.MaxWords) }; break;
                case "findings": status = status with { Findings = ReadFindings() }; break;
                case "classes": status = status with { Classes = ReadClasses() }; break;
            }
        }

        reader.Require(reader.IsAtEnd, "Bytes follow the end of the heartbeat.");
        return status;
    }

    private string ReadText()
    {
        var text = reader.ReadString();
        reader.Require(text.Length <= AgentStatus.MaxText, $"It has {text.Length:N0} characters; {AgentStatus.MaxText:N0} are allowed.");
        return text;
    }

    private AgentState ReadState()
    {
        var name = reader.ReadString();
        return WireNames<AgentState>.Find(name) ?? throw reader.Failure($"{Escaped.Quote(name)} is no state of an agent.");
    }

    // Up to the end of the year 9999, as far as a DateTimeOffset goes.
    private DateTimeOffset ReadTime() => DateTimeOffset.FromUnixTimeMilliseconds(reader.ReadInt64(0, 253_402_300_799_999));

    private int ReadCount() => (int)reader.ReadInt64(0, int.MaxValue);

    private StatusCapacity ReadCapacity()
    {
        var capacity = new StatusCapacity(0, ByteSize.Zero, ByteSize.Zero, 0);
        var map = reader.BeginMap(CapacityKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "cpus": capacity = capacity with { Cpus = ReadNumber() }; break;
                case "memory_bytes": capacity = capacity with { Memory = new ByteSize(reader.ReadInt64(long.MinValue, long.MaxValue)) }; break;
                case "disk_bytes": capacity = capacity with { Disk = new ByteSize(reader.ReadInt64(long.MinValue, long.MaxValue)) }; break;
                case "slots": capacity = capacity with { Slots = (int)reader.ReadInt64(int.MinValue, int.MaxValue) }; break;
            }
        }

        return capacity;
    }

    private double ReadNumber()
    {
        var value = reader.ReadDouble();
        reader.Require(double.IsFinite(value), "It is no number.");
        return value;
    }

    private List<string> ReadTexts(int most)
    {
        var count = reader.BeginArray(0, most);
        var texts = new List<string>(count);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            texts.Add(ReadText());
            reader.Leave();
        }

        return texts;
    }

    private List<StatusImage> ReadImages()
    {
        var count = reader.BeginArray(0, AgentStatus.MaxImages);
        var images = new List<StatusImage>(count);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            var image = new StatusImage("", "");
            var map = reader.BeginMap(ImageKeys);
            while (reader.NextKey(ref map) is { } key) image = key == "name" ? image with { Name = ReadText() } : image with { Digest = ReadText() };
            images.Add(image);
            reader.Leave();
        }

        return images;
    }

    private List<StatusFinding> ReadFindings()
    {
        var count = reader.BeginArray(0, AgentStatus.MaxFindings);
        var findings = new List<StatusFinding>(count);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            var finding = new StatusFinding(Severity.Notice, "");
            var map = reader.BeginMap(FindingKeys);
            while (reader.NextKey(ref map) is { } key)
            {
                finding = key == "text" ? finding with { Text = ReadText() } : finding with { Level = WireNames<Severity>.Find(ReadText()) ?? Severity.Notice };
            }

            findings.Add(finding);
            reader.Leave();
        }

        return findings;
    }

    private Dictionary<string, string> ReadPrograms()
    {
        var count = ReadMapOf(AgentStatus.MaxWords);
        var programs = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var program = ReadText();
            programs[program] = ReadText();
        }

        return programs;
    }

    private Dictionary<JobClass, int> ReadClasses()
    {
        var count = ReadMapOf(AgentStatus.MaxWords);
        var classes = new Dictionary<JobClass, int>();
        for (var i = 0; i < count; i++)
        {
            var name = ReadText();
            var weight = (int)reader.ReadInt64(0, int.MaxValue);
            if (WireNames<JobClass>.Find(name) is { } known) classes[known] = weight;
        }

        return classes;
    }

    private int ReadMapOf(int most)
    {
        var count = reader.ReadMapHeader();
        reader.Require(count <= most, $"It has {count:N0} entries; {most:N0} are allowed.");
        return count;
    }
}
