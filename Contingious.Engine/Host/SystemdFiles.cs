namespace Contingious.Engine.Host;

/// <summary>What systemd is told: files whose directives are in systemd.service(5), systemd.exec(5), systemd.resource-control(5) and tmpfiles.d(5).</summary>
internal static class SystemdFiles
{
    public const string ServiceUnit = "/etc/systemd/system/contingious.service";

    /// <summary>Units that every account's own service manager reads.</summary>
    public const string UserUnitDirectory = "/etc/systemd/user";

    public static string UserUnit(HostLayout layout) => $"{UserUnitDirectory}/{layout.Name}.service";

    public static string UserDropInDirectory(HostAccount account) => $"/etc/systemd/system/user@{account.Uid}.service.d";

    public static string UserDropIn(HostAccount account) => $"{UserDropInDirectory(account)}/contingious.conf";

    public static string TmpfilesPath(HostLayout layout) => $"/etc/tmpfiles.d/{layout.Name}.conf";

    /// <summary>The runtime directory, made again at each boot.</summary>
    public static string Tmpfiles(HostLayout layout, string group) => $"d {layout.RuntimeDirectory} 0711 {layout.Account.Name} {group} -\n";

    /// <summary>The agent as a service of the host, for the service account.</summary>
    public static string Service(string executable) =>
        $"""
        [Unit]
        Description=Contingious grading agent
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

    /// <summary>The agent as a service of an account's own manager.</summary>
    public static string UserService(string executable, HostAccount account) =>
        $"""
        [Unit]
        Description=Contingious grading agent of {account.Name}
        ConditionUser={account.Name}
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
        TimeoutStartSec=120
        ExecStart={Quoted(executable)} agent
        # Only the agent is signalled: the keeper, the runner and the jobs in it outlive a restart or a crash of the agent,
        # and the next agent adopts them. After a stop in good order the runner ends by itself; a keeper that stays only pauses.
        KillMode=process
        # SIGTERM: finish the jobs that run, then end. SIGHUP: end at once, the jobs go on; then Restart= starts the next agent.
        # Longer than agent.grace_s by default: where that is raised, raise this too, in a drop-in.
        TimeoutStopSec={StopTimeout}
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
