namespace Contingious.Engine.Host;

/// <summary>What systemd is told: files whose directives are in systemd.service(5), systemd.resource-control(5) and tmpfiles.d(5).</summary>
internal static class SystemdFiles
{
    public const string ServiceUnit = "/etc/systemd/system/contingious.service";

    public static string UserDropInDirectory(HostAccount account) => $"/etc/systemd/system/user@{account.Uid}.service.d";

    public static string UserDropIn(HostAccount account) => $"{UserDropInDirectory(account)}/contingious.conf";

    public static string TmpfilesPath(HostLayout layout) => $"/etc/tmpfiles.d/{layout.Name}.conf";

    /// <summary>The runtime directory, made again at each boot.</summary>
    public static string Tmpfiles(HostLayout layout, string group) => $"d {layout.RuntimeDirectory} 0711 {layout.Account.Name} {group} -\n";

    /// <summary>The agent. Only its main process is asked to stop: it finishes its jobs and ends their sandboxes itself.</summary>
    public static string Service(string executable) =>
        $"""
        [Unit]
        Description=Contingious grading agent
        Wants=network-online.target
        After=network-online.target

        [Service]
        User={HostLayout.ServiceAccount}
        ExecStart={executable} agent
        Delegate=yes
        KillMode=mixed
        Restart=on-failure
        RestartSec=5

        [Install]
        WantedBy=multi-user.target

        """;

    public const string UserDelegation =
        """
        [Service]
        Delegate=cpu cpuset io memory pids

        """;
}
