namespace Contingious.Agent.Wire;

/// <summary>Writes one heartbeat.</summary>
internal static class AgentStatusEncoder
{
    public static void Write(MessagePackWriter writer, AgentStatus status)
    {
        writer.WriteMapHeader(19);
        WriteKey(writer, "v").WriteInteger(WireFormat.Version);
        WriteText(writer, "name", status.Name);
        WriteText(writer, "host", status.Host);
        WriteText(writer, "version", status.Version);
        WriteText(writer, "state", WireNames<AgentState>.Of(status.State));
        WriteKey(writer, "since_ms").WriteInteger(status.Since.ToUnixTimeMilliseconds());
        WriteText(writer, "reason", status.Reason);
        WriteKey(writer, "time_ms").WriteInteger(status.Time.ToUnixTimeMilliseconds());
        WriteCapacity(WriteKey(writer, "capacity"), status.Capacity);
        WriteCapacity(WriteKey(writer, "free"), status.Free);
        WriteKey(writer, "running").WriteInteger(status.Running);
        WriteTexts(writer, "running_jobs", status.RunningJobs, AgentStatus.MaxJobs);
        WriteKey(writer, "held").WriteInteger(status.Held);
        WriteTexts(writer, "held_jobs", status.HeldJobs, AgentStatus.MaxJobs);
        WriteImages(writer, status.Images);
        WritePrograms(writer, status.Programs);
        WriteTexts(writer, "capabilities", status.Capabilities, AgentStatus.MaxWords);
        WriteFindings(writer, status.Findings);
        WriteClasses(writer, status.Classes);
    }

    private static void WriteCapacity(MessagePackWriter writer, StatusCapacity capacity)
    {
        writer.WriteMapHeader(4);
        WriteKey(writer, "cpus").WriteFloat(capacity.Cpus);
        WriteKey(writer, "memory_bytes").WriteInteger(capacity.Memory.Bytes);
        WriteKey(writer, "disk_bytes").WriteInteger(capacity.Disk.Bytes);
        WriteKey(writer, "slots").WriteInteger(capacity.Slots);
    }

    private static void WriteImages(MessagePackWriter writer, IReadOnlyList<StatusImage> images)
    {
        var count = Math.Min(images.Count, AgentStatus.MaxImages);
        WriteKey(writer, "images").WriteArrayHeader(count);
        foreach (var image in images.Take(count))
        {
            writer.WriteMapHeader(2);
            WriteText(writer, "name", image.Name);
            WriteText(writer, "digest", image.Digest);
        }
    }

    private static void WritePrograms(MessagePackWriter writer, IReadOnlyDictionary<string, string> programs)
    {
        var count = Math.Min(programs.Count, AgentStatus.MaxWords);
        WriteKey(writer, "programs").WriteMapHeader(count);
        foreach (var (program, version) in programs.OrderBy(one => one.Key, StringComparer.Ordinal).Take(count)) WriteText(writer, program, version);
    }

    private static void WriteFindings(MessagePackWriter writer, IReadOnlyList<StatusFinding> findings)
    {
        var count = Math.Min(findings.Count, AgentStatus.MaxFindings);
        WriteKey(writer, "findings").WriteArrayHeader(count);
        foreach (var finding in findings.Take(count))
        {
            writer.WriteMapHeader(2);
            WriteText(writer, "level", WireNames<Engine.Host.Severity>.Of(finding.Level));
            WriteText(writer, "text", finding.Text);
        }
    }

    private static void WriteClasses(MessagePackWriter writer, IReadOnlyDictionary<JobClass, int> classes)
    {
        WriteKey(writer, "classes").WriteMapHeader(classes.Count);
        foreach (var (ofClass, weight) in classes.OrderBy(one => one.Key)) WriteKey(writer, WireNames<JobClass>.Of(ofClass)).WriteInteger(weight);
    }

    private static void WriteTexts(MessagePackWriter writer, string key, IReadOnlyList<string> texts, int most)
    {
        var count = Math.Min(texts.Count, most);
        WriteKey(writer, key).WriteArrayHeader(count);
        foreach (var text in texts.Take(count)) writer.WriteString(Cut(text));
    }

    private static void WriteText(MessagePackWriter writer, string key, string text) => WriteKey(writer, key).WriteString(Cut(text));

    private static MessagePackWriter WriteKey(MessagePackWriter writer, string key)
    {
        writer.WriteString(Cut(key));
        return writer;
    }

    /// <summary>Never between the halves of a surrogate pair, which would be no text any more.</summary>
    private static string Cut(string text)
    {
        if (text.Length <= AgentStatus.MaxText) return text;
        return text[..(char.IsHighSurrogate(text[AgentStatus.MaxText - 1]) ? AgentStatus.MaxText - 1 : AgentStatus.MaxText)];
    }
}
