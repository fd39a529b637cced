using System.Text.Json.Nodes;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Model;
using Contingious.Engine.Programs;

namespace Contingious.Benchmarks.Jobs;

/// <summary>The bundle of one of our own sandboxes, for crun alone: the same namespaces, mounts and filter of system calls, and /bin/first in place of the containers' init.</summary>
internal sealed class BareBundle(string directory)
{
    /// <summary>Takes a copy of a sandbox while its job runs.</summary>
    public static async Task<BareBundle> TakeAsync(SandboxEngine engine, HostLayout layout, string image)
    {
        var directory = $"{layout.PrivateDirectory}/benchmark";
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, (UnixFileMode)0x1C9);
        var id = SandboxId.For($"bundle-{Environment.ProcessId}", 1);
        var running = engine.RunAsync(new RunRequest { Id = id, Image = image, Steps = [new StepRequest { Name = "step", Args = ["/bin/sleep", "2"] }] }, CancellationToken.None);
        await Task.Delay(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        var sandbox = $"{layout.SandboxesDirectory}/{id}";
        _ = await ProgramRunner.RequireAsync(new ProgramRequest("cp", "-a", "--", sandbox, $"{directory}/sandbox"), CancellationToken.None).ConfigureAwait(false);
        var text = (await File.ReadAllTextAsync($"{sandbox}/step-0/config.json").ConfigureAwait(false)).Replace(sandbox, $"{directory}/sandbox", StringComparison.Ordinal);
        _ = await running.ConfigureAwait(false);
        foreach (var kind in new[] { "alone", "cgroups" })
        {
            var config = JsonNode.Parse(text) ?? throw new ContingiousException("config.json is empty.");
            config["process"]!["args"] = new JsonArray("/bin/first");
            var mounts = config["mounts"]!.AsArray();
            foreach (var tools in mounts.Where(mount => $"{mount!["destination"]}" == "/.contingious").ToList()) mounts.Remove(tools);
            if (kind == "cgroups") config["linux"]!["cgroupsPath"] = $"/{layout.CgroupName}/benchmark";
            Directory.CreateDirectory($"{directory}/{kind}");
            await File.WriteAllTextAsync($"{directory}/{kind}/config.json", config.ToJsonString()).ConfigureAwait(false);
        }

        return new BareBundle(directory);
    }

    /// <summary><c>crun run</c> of it.</summary>
    /// <param name="withCgroups">Whether crun makes cgroups with the same limits; else it stays where it is started.</param>
    /// <param name="number">Makes its name.</param>
    public string[] Command(bool withCgroups, string number) =>
        ["crun", "--root", $"{directory}/crun", $"--cgroup-manager={(withCgroups ? "cgroupfs" : "disabled")}", "run", "--bundle", $"{directory}/{(withCgroups ? "cgroups" : "alone")}", $"bare-{number}"];

    public void Remove() => Directory.Delete(directory, recursive: true);
}
