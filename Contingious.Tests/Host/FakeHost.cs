using Contingious.Engine.Host;

namespace Contingious.Tests.Host;

/// <summary>A directory that looks like a host's root: the files that setup and the doctor go by, and nothing else.</summary>
internal sealed class FakeHost : IDisposable
{
    public const string Ordinary = "teacher";
    public const uint OrdinaryUid = 1234;

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("contingious-fake-host-");

    private FakeHost()
    {
        Write("/etc/passwd", $"root:x:0:0:root:/root:/bin/bash\n{Ordinary}:x:{OrdinaryUid}:{OrdinaryUid}::/home/{Ordinary}:/bin/bash\n");
        Write("/etc/shadow", $"root:*:1::::::\n{Ordinary}:*:1::::::\n");
        Write("/etc/group", $"root:x:0:\n{Ordinary}:x:{OrdinaryUid}:\n");
        Write("/etc/gshadow", $"root:*::\n{Ordinary}:!::\n");
        Write("/etc/login.defs", "SYS_UID_MIN 100\nSYS_UID_MAX 999\nSYS_GID_MIN 100\nSYS_GID_MAX 999\nUID_MIN 1000\nUID_MAX 60000\n");
        Write("/etc/subuid", $"# ranges of containers\n{Ordinary}:100000:65536\nsomebody:900000:65536\nnot a range\n");
        Write("/etc/subgid", $"{Ordinary}:100000:65536\n");
        Write("/usr/sbin/nologin", "");
        Write("/proc/sys/user/max_user_namespaces", "1000\n");
        Write("/proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
        Write("/proc/sys/kernel/core_pattern", "core\n");
        Write("/proc/swaps", "Filename Type Size Used Priority\n");
        foreach (var path in (string[])["/var/lib", "/run", "/dev"]) MakeDirectory(path);
    }

    public HostRoot Root => new(directory.FullName);

    /// <summary>v1 with a v2 tree beside it and no systemd.</summary>
    public static FakeHost Hybrid()
    {
        var host = new FakeHost();
        string[] hierarchies = ["cpu,cpuacct", "cpuset", "memory", "pids", "freezer", "name=systemd"];
        var mounts = "1 0 254:0 / / rw - ext4 /dev/vda rw\n";
        for (var number = 0; number < hierarchies.Length; number++)
        {
            var path = $"/sys/fs/cgroup/{hierarchies[number].Replace("name=", "", StringComparison.Ordinal)}";
            mounts += $"{40 + number} 31 0:{29 + number} / {path} rw,relatime shared:7 - cgroup cgroup rw,{hierarchies[number]}\n";
            host.MakeDirectory(path);
        }

        host.MakeDirectory("/sys/fs/cgroup/unified");
        host.Write("/proc/self/mountinfo", mounts + "60 31 0:60 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n");
        return host;
    }

    /// <summary>v2 alone and no systemd.</summary>
    public static FakeHost Unified()
    {
        var host = new FakeHost();
        host.Write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
        host.Write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma\n");
        host.Write("/sys/fs/cgroup/cgroup.subtree_control", "memory\n");
        return host;
    }

    /// <summary>v2 alone, under systemd.</summary>
    public static FakeHost Systemd()
    {
        var host = Unified();
        foreach (var path in (string[])["/run/systemd/system", "/etc/systemd/system", "/var/lib/systemd/linger"]) host.MakeDirectory(path);
        return host;
    }

    public string At(string path) => Root.At(path);

    public void MakeDirectory(string path) => Directory.CreateDirectory(At(path));

    public void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(path)) ?? "/");
        File.WriteAllText(At(path), content);
    }

    public void InstallPrograms()
    {
        // The smallest file that passes for a static program: an ELF header and no segment.
        var elf = new byte[64];
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1 }.CopyTo(elf, 0);
        foreach (var program in (string[])["rootlesskit", "newuidmap", "newgidmap", "nsenter", "catatonit", "setsid", "crun"])
        {
            Write($"/usr/bin/{program}", "");
            File.WriteAllBytes(At($"/usr/bin/{program}"), elf);
        }

        const UnixFileMode setUid = UnixFileMode.SetUser | UnixFileMode.UserRead | UnixFileMode.UserExecute;
        File.SetUnixFileMode(At("/usr/bin/newuidmap"), setUid);
        File.SetUnixFileMode(At("/usr/bin/newgidmap"), setUid);
    }

    public Task<Setup> SetupAsync(string? account = null) =>
        Setup.OpenAsync(new SetupRequest { Account = account, Root = Root, Executable = "/opt/contingious/contingious" }, CancellationToken.None);

    public Task<Doctor> DoctorAsync(string? account = null) => Doctor.ForAsync(account, Root, CancellationToken.None);

    public void Dispose() => directory.Delete(recursive: true);
}
