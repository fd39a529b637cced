namespace Contingious.Engine.Host;

/// <summary>The files of systemd's that a package installs. They come from the same text as those that <see cref="Setup"/> writes where there is no package.</summary>
public static class PackagedFiles
{
    /// <param name="file"><c>service</c>, <c>user</c>, <c>tmpfiles</c> or <c>sysusers</c>.</param>
    /// <param name="program">What a unit starts.</param>
    /// <exception cref="RejectedRequestException">There is no such file.</exception>
    public static string Text(string file, string program) => file switch
    {
        "service" => SystemdFiles.Service(program),
        "user" => SystemdFiles.UserService(program),
        "tmpfiles" => SystemdFiles.Tmpfiles(new HostLayout(new HostAccount(HostLayout.ServiceAccount, uint.MaxValue, uint.MaxValue, "")), HostLayout.ServiceAccount),
        "sysusers" => SystemdFiles.Sysusers,
        _ => throw new RejectedRequestException("--print-unit", $"There is no file '{file}'. There are: service, user, tmpfiles, sysusers."),
    };
}
