using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

internal ref partial struct JobResultDecoder
{
    private static readonly MapKeys StepKeys = new(
        ["outcome"],
        [
            "name", "message", "exit_code", "signal", "stdout", "stderr", "stdout_bytes", "stderr_bytes", "wall_time_us", "cpu_time_us",
            "peak_memory_bytes", "peak_processes", "flags", "oom_kills", "forks_refused", "disk_used_bytes", "stopped_for",
            "field", "stalled_cpu_us", "stalled_memory_us", "stalled_io_us", "disk_written_bytes", "disk_backend", "memory_in_files_bytes",
        ]);

    private List<StepReport> ReadSteps()
    {
        var steps = new List<StepReport>();
        var count = reader.BeginArray(0, WireFormat.MaxSteps);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            steps.Add(ReadStep());
            reader.Leave();
        }

        return steps;
    }

    private StepReport ReadStep()
    {
        var step = new StepReport { Outcome = Outcome.InternalError };
        var usage = step.Usage;
        var evidence = step.Evidence;
        var map = reader.BeginMap(StepKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "name": step = step with { Name = reader.ReadString() }; break;
                case "outcome": step = step with { Outcome = ReadOutcome() }; break;
                case "message": step = step with { Message = reader.ReadString() }; break;
                case "exit_code": step = step with { ExitCode = (int)reader.ReadInt64(int.MinValue, int.MaxValue) }; break;
                case "signal": step = step with { Signal = (int)reader.ReadInt64(0, int.MaxValue) }; break;
                case "stdout": step = step with { Stdout = reader.ReadBinary() }; break;
                case "stderr": step = step with { Stderr = reader.ReadBinary() }; break;
                case "stdout_bytes": usage = usage with { StdoutBytes = ReadCount() }; break;
                case "stderr_bytes": usage = usage with { StderrBytes = ReadCount() }; break;
                case "wall_time_us": usage = usage with { WallTime = ReadMicroseconds() }; break;
                case "cpu_time_us": usage = usage with { CpuTime = ReadMicroseconds() }; break;
                case "peak_memory_bytes": usage = usage with { PeakMemory = new ByteSize(ReadCount()) }; break;
                case "peak_processes": usage = usage with { PeakProcesses = (int)reader.ReadInt64(0, int.MaxValue) }; break;
                case "stalled_cpu_us": usage = usage with { Stalled = Waited(usage) with { Cpu = ReadMicroseconds() } }; break;
                case "stalled_memory_us": usage = usage with { Stalled = Waited(usage) with { Memory = ReadMicroseconds() } }; break;
                case "stalled_io_us": usage = usage with { Stalled = Waited(usage) with { Io = ReadMicroseconds() } }; break;
                case "flags": evidence = evidence with { Flags = ReadFlags() }; break;
                case "oom_kills": evidence = evidence with { OomKills = ReadCount() }; break;
                case "forks_refused": evidence = evidence with { ForksRefused = ReadCount() }; break;
                case "disk_used_bytes": evidence = evidence with { DiskUsedBytes = ReadCount() }; break;
                case "field": step = step with { Field = reader.ReadString() }; break;
                case "disk_written_bytes": usage = usage with { DiskWritten = new ByteSize(ReadCount()) }; break;
                case "disk_backend": evidence = evidence with { DiskBackend = WireNames<DiskBackend>.Find(reader.ReadString()) ?? default }; break;
                case "memory_in_files_bytes": evidence = evidence with { MemoryInFilesBytes = ReadCount() }; break;
                case "stopped_for": evidence = evidence with { StoppedFor = ReadOutcome() }; break;
            }
        }

        return step with { Usage = usage, Evidence = evidence };
    }

    private static StallTimes Waited(Usage usage) => usage.Stalled ?? new StallTimes(TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero);

    private EvidenceFlags ReadFlags()
    {
        var flags = EvidenceFlags.None;
        var count = reader.BeginArray(0, 64);
        for (var i = 0; i < count; i++) flags |= Names<EvidenceFlags>.Find(reader.ReadString()) ?? EvidenceFlags.None;
        return flags;
    }
}
