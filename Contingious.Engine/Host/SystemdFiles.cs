namespace Contingious.Engine.Host;

/// <summary>What systemd is told: files whose directives are in systemd.service(5), systemd.exec(5), systemd.resource-control(5) and tmpfiles.d(5).</summary>
internal static class SystemdFiles
{
    /// <summary>Where setup writes the service's unit, where no package has brought one.</summary>
    public const string ServiceUnit = "/etc/systemd/system/contingious.service";

    /// <summary>What a package installs; setup leaves these to it. The program writes their text (<c>setup --print-unit</c>).</summary>
    public const string PackagedServiceUnit = "/usr/lib/systemd/system/contingious.service";

    public const string PackagedUserUnit = "/usr/lib/systemd/user/contingious.service";

    public const string PackagedTmpfiles = "/usr/lib/tmpfiles.d/contingious.conf";

    /// <summary>The unit of the service that holds, in systemd's order (systemd.unit(5)); nothing where there is none.</summary>
    public static string? HeldServiceUnit(HostRoot root) => new[] { ServiceUnit, PackagedServiceUnit }.FirstOrDefault(path => root.TryStatus(path) is not null);

    /// <summary>Units that every account's own service manager reads.</summary>
    public const string UserUnitDirectory = "/etc/systemd/user";

    public static string UserUnit(HostLayout layout) => $"{UserUnitDirectory}/{layout.Name}.service";

    public static string UserDropInDirectory(HostAccount account) => $"/etc/systemd/system/user@{account.Uid}.service.d";

    public static string UserDropIn(HostAccount account) => $"{UserDropInDirectory(account)}/contingious.conf";

    public static string TmpfilesPath(HostLayout layout) => $"/etc/tmpfiles.d/{layout.Name}.conf";

    /// <summary>The runtime directory, made again at each boot.</summary>
    public static string Tmpfiles(HostLayout layout, string group) => $"d {layout.RuntimeDirectory} 0711 {layout.Account.Name} {group} -\n";

    /// <summary>The service account, as sysusers.d(5) has it.</summary>
    public static string Sysusers => $"u {HostLayout.ServiceAccount} - \"Contingious grading agent\" /var/lib/{HostLayout.ServiceAccount} /usr/sbin/nologin\n";

    /// <summary>The agent as a service of the host, for the service account.</summary>
    public static string Service(string executable) =>
        $"""
        [Unit]
        Description=Contingious grading agent
        Documentation=man:contingious(1) man:contingious-agent(1) man:contingious.conf(5)
        Wants=network-online.target
        After=network-online.target
        # A broker that is away for a night is no reason to give up.
        StartLimitIntervalSec=0

        [Service]
        User={HostLayout.ServiceAccount}
        {Agent(executable)}
        # /usr, /boot and /etc are read-only: the agent writes below /var/lib and /run only. More is left out on purpose.
        # The runner and the keeper inherit this view of the host, keep it when the agent is restarted, and containers are
        # made from it by an account without privileges:
        # - NoNewPrivileges=, and with it all that implies it where User= is set (SystemCallFilter=, RestrictNamespaces=,
        #   RestrictSUIDSGID=, PrivateDevices=, ProtectKernelTunables=, ProtectHostname=, LockPersonality=, ...), keeps
        #   newuidmap and newgidmap, which are set-uid, from mapping the account's subordinate ids.
        # - ProtectProc=, ProcSubset=, ProtectControlGroups= and InaccessiblePaths= below /proc and /sys cover parts of
        #   them: the kernel then refuses a fresh /proc to a container's user namespace. cgroups are the agent's to write.
        # - ProtectSystem=strict and ProtectHome= would cover directories that the operator lets jobs mount, and disk slots.
        # - PrivateTmp= is removed with the service while keeper and runner still have it.
        # - CapabilityBoundingSet= would have to name what newuidmap needs, which differs between its versions.
        ProtectSystem=full

        [Install]
        WantedBy=multi-user.target

        """;

    /// <summary>The agent as a service of an account's own manager, for that account alone.</summary>
    public static string UserService(string executable, HostAccount account) => UserService(executable, account.Name, $"ConditionUser={account.Name}");

    /// <summary>The agent as a service of the own manager of any account that was set up: others' managers pass over it.</summary>
    public static string UserService(string executable) => UserService(executable, "%u", $"ConditionPathIsDirectory=/run/{HostLayout.ServiceAccount}-%u");

    private static string UserService(string executable, string account, string condition) =>
        $"""
        [Unit]
        Description=Contingious grading agent of {account}
        Documentation=man:contingious(1) man:contingious-agent(1) man:contingious.conf(5)
        {condition}
        StartLimitIntervalSec=0

        [Service]
        {Agent(executable)}

        [Install]
        WantedBy=default.target

        """;

    public const string UserDelegation =
        """
        [Service]
        Delegate=cpu cpuset io memory pids

        """;

    /// <summary>Longer than the agent's own grace of half an hour: it finishes its jobs when it is stopped.</summary>
    private const string StopTimeout = "32min";

    private static string Agent(string executable) =>
        $"""
        # It says that it is ready when it takes jobs, and that it lives. It goes into the keeper's namespaces by executing
        # itself again, so its process stays the main one.
        Type=notify
        NotifyAccess=main
        WatchdogSec=60
        # It asks for more while it reads what the broker has decided.
        TimeoutStartSec=300
        ExecStart={Quoted(executable)} agent
        # SIGHUP: the jobs go on in the runner, while the agent becomes the program that is installed now, with the
        # configuration of now, and adopts them. An upgrade, and a change of the configuration, is a reload. Where that
        # program does not take that configuration the reload fails, and the agent goes on as it is.
        ExecReload=/bin/sh -c '"$$0" agent --show-config >/dev/null && kill -HUP "$$MAINPID"' {Quoted(executable)}
        # SIGTERM goes to the agent alone, which finishes the jobs that run and then ends; only what is left then, keeper and
        # runner, is killed. (With KillMode=process what is left has cgroups of its own below the unit's, with controllers
        # enabled, and systemd before 254 then cannot start the unit again: EBUSY.) So a crash of the agent ends the jobs of
        # its runner too. None is lost: the broker delivers them again, and they are run anew.
        KillMode=mixed
        # Longer than agent.grace_s by default: where that is raised, raise this too, in a drop-in.
        TimeoutStopSec={StopTimeout}
        # SIGTERM before it has begun at all.
        SuccessExitStatus=143
        Restart=always
        RestartSec=2
        Delegate=yes
        # A job that the kernel kills for its memory has had its verdict. It is not the service's end.
        OOMPolicy=continue
        TasksMax=infinity
        LimitNOFILE=65536
        LimitCORE=0
        """;

    /// <summary>As systemd.syntax(7) wants a path that may hold blanks or percent signs; one with quotes it takes in no form.</summary>
    private static string Quoted(string executable) =>
        executable.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or '+')
            ? executable
            : $"\"{executable.Replace("%", "%%", StringComparison.Ordinal)}\"";
}
