using Contingious.Engine.Host;

namespace Contingious.Engine.Programs;

/// <summary>rootlesskit(1), which makes the keeper's user and mount namespace from the account's subordinate ids.</summary>
internal static class Rootlesskit
{
    // Runs as root of the new namespace. Its last act is to become a pausing init: the pid that it wrote stays the keeper's.
    private const string KeeperScript =
        """
        set -e
        private=$1 images=$2 ready=$3 pause=$4 unified=$5
        mkdir -p "$private"
        mount -t tmpfs -o mode=0711,nosuid,nodev,size=256m tmpfs "$private"
        cd "$private"
        mkdir -m 0711 images sandboxes
        mkdir -m 0700 crun
        mount --bind "$images" images
        # crun refuses a host that mixes v1 and v2 controllers. It asks this one file, so here it reads an empty one.
        if [ -n "$unified" ] && [ -n "$(cat "$unified/cgroup.controllers")" ]; then
            : > no-controllers
            mount --bind no-controllers "$unified/cgroup.controllers"
        fi
        echo $$ > "$ready.new"
        mv "$ready.new" "$ready"
        exec "$pause" -P
        """;

    /// <summary>
    /// The command that starts a keeper: a session of its own, no stream of the caller's, nothing of its environment.
    /// It returns at once; the keeper has started when <paramref name="readyFile"/> holds its pid.
    /// </summary>
    /// <param name="unifiedCgroup">The v2 mount point of a hybrid host, or an empty string.</param>
    public static ProgramRequest StartKeeper(HostLayout layout, string readyFile, string unifiedCgroup) =>
        new("sh", [
            "-c", "log=$1; shift; setsid -f \"$@\" </dev/null >\"$log\" 2>&1", "start", layout.KeeperLog,
            "rootlesskit", $"--state-dir={layout.RootlesskitDirectory}",
            "sh", "-c", KeeperScript, "keeper", layout.PrivateDirectory, layout.ImagesDirectory, readyFile,
            ProgramRunner.Find("catatonit") ?? "catatonit", unifiedCgroup,
        ])
        {
            Env = new Dictionary<string, string>(ProgramRunner.BareEnvironment) { ["HOME"] = layout.StateDirectory },
        };
}
