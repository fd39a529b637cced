using System.Text.Json;
using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>What a container's config.json is made from.</summary>
internal sealed record RuntimeSpec
{
    public required IReadOnlyList<string> Args { get; init; }

    public required IReadOnlyList<string> Env { get; init; }

    public required string WorkingDirectory { get; init; }

    public required ContainerUser User { get; init; }

    public required string RootfsDirectory { get; init; }

    public required Image Image { get; init; }

    /// <summary>Where the image's read-only rootfs can be reached by the container's own root.</summary>
    public required string ReadOnlyView { get; init; }

    public required string ToolsDirectory { get; init; }

    public required uint FirstId { get; init; }

    public required Limits Limits { get; init; }

    /// <summary>Where the tools are inside a container.</summary>
    public const string ToolsMount = "/.contingious";

    /// <summary>The container's first process: it reaps, and passes the command's end on.</summary>
    public const string Init = $"{ToolsMount}/init";

    /// <summary>Where things are mounted directly in the clone, as opposed to on top of each other.</summary>
    public static IReadOnlyList<string> MountPointsOf(Image image) => ["/proc", "/dev", ToolsMount, .. image.ReadOnlyMounts];

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
        json.WriteString("hostname", "sandbox");
        WriteMounts(json);
        WriteLinux(json);
        json.WriteEndObject();
    }

    private void WriteProcess(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("terminal", false);
        json.WriteStartObject("user");
        json.WriteNumber("uid", User.Uid);
        json.WriteNumber("gid", User.Gid);
        json.WriteEndObject();
        WriteStrings(json, "args", [Init, "--", .. Args]);
        WriteStrings(json, "env", Env);
        json.WriteString("cwd", WorkingDirectory);
        json.WriteStartObject("capabilities");
        foreach (var set in new[] { "bounding", "effective", "inheritable", "permitted", "ambient" }) WriteStrings(json, set, []);
        json.WriteEndObject();
        json.WriteStartArray("rlimits");
        WriteRlimit(json, "RLIMIT_CORE", 0);
        WriteRlimit(json, "RLIMIT_NOFILE", Limits.OpenFiles);
        WriteRlimit(json, "RLIMIT_FSIZE", Limits.FileSize.Bytes);
        WriteRlimit(json, "RLIMIT_MEMLOCK", 64 << 10);
        WriteRlimit(json, "RLIMIT_MSGQUEUE", 0);

        // A backstop that holds without us; the cgroup's clock decides long before.
        WriteRlimit(json, "RLIMIT_CPU", (long)Math.Ceiling(Limits.CpuTime.TotalSeconds) + 1);
        json.WriteEndArray();
        json.WriteBoolean("noNewPrivileges", true);
        json.WriteEndObject();
    }

    private void WriteMounts(Utf8JsonWriter json)
    {
        json.WriteStartArray("mounts");
        WriteMount(json, "/proc", "proc", "proc", "nosuid", "noexec", "nodev");
        WriteMount(json, "/dev", "tmpfs", "tmpfs", "nosuid", "noexec", "mode=755", "size=64k");
        WriteMount(json, "/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620");

        // Charged to the step's memory, so below its limit: a full /dev/shm is ENOSPC and not an OOM kill.
        WriteMount(json, "/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", $"size={Limits.Memory.Bytes / 4}", "nr_inodes=1024");
        foreach (var mount in Image.ReadOnlyMounts)
        {
            WriteMount(json, mount, "bind", $"{ReadOnlyView}{mount}", "rbind", "ro", "nosuid", "nodev", "private");
        }

        WriteMount(json, ToolsMount, "bind", ToolsDirectory, "bind", "ro", "nosuid", "nodev", "private");
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

        // Said here for whoever reads or runs the bundle; enforced by the step's cgroup, which crun joins (docs/decisions/0001).
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
        WriteStrings(json, "maskedPaths", [
            "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
        ]);
        WriteStrings(json, "readonlyPaths", ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]);
        json.WriteEndObject();
    }

    private static void WriteMount(Utf8JsonWriter json, string destination, string type, string source, params IReadOnlyList<string> options)
    {
        json.WriteStartObject();
        json.WriteString("destination", destination);
        json.WriteString("type", type);
        json.WriteString("source", source);
        WriteStrings(json, "options", options);
        json.WriteEndObject();
    }

    private static void WriteRlimit(Utf8JsonWriter json, string type, long value)
    {
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteNumber("hard", value);
        json.WriteNumber("soft", value);
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
