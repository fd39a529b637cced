using System.Text.Json;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;
using Contingious.Engine.Sandboxes.Seccomp;

namespace Contingious.Engine.Sandboxes;

/// <summary>Something of the host's file tree that a container sees at a place of its own.</summary>
/// <param name="Source">Path in the keeper's namespace.</param>
/// <param name="Destination">Absolute path in the container.</param>
/// <param name="Options">Beside <c>bind</c>: <c>ro</c>, <c>nosuid</c>, …</param>
internal sealed record BindMount(string Source, string Destination, params IReadOnlyList<string> Options);

/// <summary>What a container's config.json is made from. It says what the container is; its init is told what to run in it.</summary>
internal sealed record RuntimeSpec
{
    public required string RootfsDirectory { get; init; }

    /// <summary>In the order in which they are mounted, after those of <c>/proc</c> and <c>/dev</c>.</summary>
    public required IReadOnlyList<BindMount> Binds { get; init; }

    /// <summary>What the container's init has and can pass on.</summary>
    public required IReadOnlyList<string> Capabilities { get; init; }

    public required uint FirstId { get; init; }

    public required Limits Limits { get; init; }

    /// <summary>The filter of system calls as the runtime compiled it from <see cref="SeccompProfile"/> for an earlier container; else that profile is written.</summary>
    public ReadOnlyMemory<byte> CompiledFilter { get; init; }

    /// <summary>The cgroup that the runtime makes, from the mount point of the hierarchy; nothing where it makes none.</summary>
    public string? CgroupsPath { get; init; }

    /// <summary>Where the tools are inside a container.</summary>
    public const string ToolsMount = RootfsSplit.ToolsMount;

    /// <summary>The container's first process.</summary>
    public const string Init = $"{ToolsMount}/init";

    /// <summary>Where the runtime mounts without being told a source.</summary>
    public static IReadOnlyList<string> OwnMountPoints { get; } = ["/proc", "/dev"];

    /// <summary>Writes config.json (OCI runtime-spec 1.0, config.md and config-linux.md).</summary>
    public void Write(string path)
    {
        using var stream = File.Create(path);
        using var json = new Utf8JsonWriter(stream);
        json.WriteStartObject();
        json.WriteString("ociVersion", "1.0.2");
        json.WritePropertyName("process");
        WriteProcess(json);
        json.WriteStartObject("root");
        json.WriteString("path", RootfsDirectory);
        json.WriteBoolean("readonly", false);
        json.WriteEndObject();
        json.WriteString("hostname", EtcFiles.Hostname);
        WriteMounts(json);
        WriteLinux(json);
        if (!CompiledFilter.IsEmpty)
        {
            json.WriteStartObject("annotations");
            json.WriteBase64String(Crun.FilterAnnotation, CompiledFilter.Span);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private void WriteProcess(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("terminal", false);
        json.WriteStrings("args", [Init, $"{ToolsMount}/{StepBundle.SocketName}"]);
        new ProcessSpec(default, Capabilities, [], [], "/").WriteMembers(json);
        json.WriteEndObject();
    }

    private void WriteMounts(Utf8JsonWriter json)
    {
        json.WriteStartArray("mounts");
        WriteMount(json, "/proc", "proc", "proc", "nosuid", "noexec", "nodev");
        WriteMount(json, "/dev", "tmpfs", "tmpfs", "nosuid", "noexec", "mode=755", "size=64k", "nr_inodes=64");
        WriteMount(json, "/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620");
        foreach (var bind in Binds) WriteMount(json, bind.Destination, "bind", bind.Source, ["bind", "private", .. bind.Options]);
        json.WriteEndArray();
    }

    private void WriteLinux(Utf8JsonWriter json)
    {
        json.WriteStartObject("linux");
        foreach (var mapping in new[] { "uidMappings", "gidMappings" })
        {
            json.WriteStartArray(mapping);
            json.WriteStartObject();
            json.WriteNumber("containerID", 0);
            json.WriteNumber("hostID", FirstId);
            json.WriteNumber("size", IdSlice.Size);
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteStartArray("namespaces");
        foreach (var kind in new[] { "user", "pid", "mount", "ipc", "uts", "network", "cgroup" })
        {
            json.WriteStartObject();
            json.WriteString("type", kind);
            json.WriteEndObject();
        }

        json.WriteEndArray();

        if (CgroupsPath is null) WriteResources(json);
        else json.WriteString("cgroupsPath", CgroupsPath);

        // What tells of the host and of neighbours, or reaches for them. What is not there is passed over, such as /sys today.
        json.WriteStrings("maskedPaths", [
            "/proc/acpi", "/proc/asound", "/proc/cmdline", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/key-users", "/proc/keys",
            "/proc/kmsg", "/proc/latency_stats", "/proc/locks", "/proc/modules", "/proc/sched_debug", "/proc/schedstat", "/proc/scsi",
            "/proc/softirqs", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
        ]);

        // All of /proc/sys but user/, which the container's init writes and nobody else inside can.
        json.WriteStrings("readonlyPaths", [
            "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger",
            "/proc/sys/abi", "/proc/sys/crypto", "/proc/sys/debug", "/proc/sys/dev", "/proc/sys/fs", "/proc/sys/kernel",
            "/proc/sys/net", "/proc/sys/sunrpc", "/proc/sys/vm", "/proc/sys/xen",
        ]);
        if (CompiledFilter.IsEmpty) SeccompProfile.Write(json);
        json.WriteEndObject();
    }

    // Said here for whoever reads or runs the bundle; enforced by the step's cgroup, which the runtime joins (docs/decisions/0001).
    // A runtime that makes a cgroup would apply them to it, while it still needs more than that itself.
    private void WriteResources(Utf8JsonWriter json)
    {
        json.WriteStartObject("resources");
        json.WriteStartObject("memory");
        json.WriteNumber("limit", Limits.Memory.Bytes);
        json.WriteNumber("swap", Limits.Memory.Bytes);
        json.WriteEndObject();
        json.WriteStartObject("pids");
        json.WriteNumber("limit", Limits.Processes);
        json.WriteEndObject();
        json.WriteStartObject("cpu");
        json.WriteNumber("quota", (long)(Limits.Cpus * 100_000));
        json.WriteNumber("period", 100_000);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteMount(Utf8JsonWriter json, string destination, string type, string source, params IReadOnlyList<string> options)
    {
        json.WriteStartObject();
        json.WriteString("destination", destination);
        json.WriteString("type", type);
        json.WriteString("source", source);
        json.WriteStrings("options", options);
        json.WriteEndObject();
    }
}
