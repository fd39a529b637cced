using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Engine.Host.Checks;

/// <summary>The programs of the host that are driven here, and the Debian packages they are in.</summary>
internal static class ProgramCheck
{
    private const string Check = "programs";

    private sealed record Needed(string Program, string Package, string Use);

    private static readonly Needed[] Required =
    [
        new("rootlesskit", "rootlesskit", "makes the keeper's namespaces"),
        new("newuidmap", "uidmap", "maps the account's subordinate users"),
        new("newgidmap", "uidmap", "maps the account's subordinate groups"),
        new("nsenter", "util-linux", "joins the keeper's namespaces"),
        new("catatonit", "catatonit", "keeps the keeper's namespaces alive"),
        new("setsid", "util-linux", "starts the keeper in a session of its own"),
    ];

    private static readonly Needed[] Optional =
    [
        new("skopeo", "skopeo", "fetches images from registries"),
        new("buildah", "buildah", "builds images"),
        new("busybox", "busybox-static", "is the userland of alpine-hello-world"),
        new("slirp4netns", "slirp4netns", "gives sandboxes a network"),
        new("rabbitmq-server", "rabbitmq-server", "is a broker on this host"),
    ];

    public static IEnumerable<Finding> Run(Examined host)
    {
        foreach (var finding in Runtimes(host)) yield return finding;
        foreach (var needed in Required)
        {
            var path = host.Root.FindProgram(needed.Program);
            if (path is null) yield return Finding.Fatal(Check, $"The program {needed.Program}, which {needed.Use}, is not installed.", Install(needed));
            else yield return Finding.Ok(Check, $"{path} {needed.Use}.");
        }

        foreach (var needed in Optional)
        {
            var path = host.Root.FindProgram(needed.Program);
            yield return path is null
                ? Finding.Notice(Check, $"The program {needed.Program}, which {needed.Use}, is not installed. It is needed for nothing else.", Install(needed))
                : Finding.Ok(Check, $"{path} {needed.Use}.");
        }
    }

    // The one that is configured must be there; where that is not known, one of them.
    private static IEnumerable<Finding> Runtimes(Examined host)
    {
        foreach (var kind in Enum.GetValues<RuntimeKind>())
        {
            var program = kind.ToString().ToLowerInvariant();
            var path = host.Root.FindProgram(program);
            if (kind == host.UsedRuntime)
            {
                yield return path is null
                    ? Finding.Fatal(Check, $"The program {program}, which runs the containers, is not installed.", Install(new Needed(program, program, "")))
                    : Finding.Ok(Check, $"{path} runs the containers{(host.Runtime is null ? "" : ", as configured")}.");
            }
            else if (path is not null)
            {
                yield return Finding.Ok(Check, $"{path} could run the containers (\"runtime\": \"{program}\").");
            }
        }

        if (host.UsedRuntime == RuntimeKind.Runc && CgroupMounts.Parse(host.Root.Lines("/proc/self/mountinfo")).HasV1)
        {
            var mend = host.Root.FindProgram("crun") is null ? "sudo apt-get install crun" : "set \"runtime\": \"crun\" in the configuration, or leave it out";
            yield return Finding.Fatal(Check, "runc runs containers on cgroup v2 alone, and this host has v1.", mend);
        }
    }

    private static string Install(Needed needed) => $"sudo apt-get install {needed.Package}";
}
