using System.Text;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Tests.Wire;

namespace Contingious.Tests.Work;

public sealed class OperatorConfigTests
{
    [Fact]
    public void The_example_of_the_manual_says_what_it_seems_to_say()
    {
        var manual = File.ReadAllLines($"{Support.Repository.Root}/docs/operating.md");
        var example = string.Join('\n', manual.SkipWhile(line => line != "    {").TakeWhile(line => line.Length == 0 || line.StartsWith("    ", StringComparison.Ordinal)));
        var config = Parse(example);
        Assert.True(config.Engine.AllowInternet);
        Assert.Equal([new AllowedMount("/srv/datasets", false), new AllowedMount("/srv/submissions", true)], config.Engine.Mounts);
        Assert.Equal(new DiskPolicy { TmpfsAtMost = ByteSize.FromMiB(512) }, config.Engine.Disk);
        var job = JobCodec.Decode(Pack.Value(Samples.SmallJob), config.Limits);
        Assert.Equal((TimeSpan.FromSeconds(5), ByteSize.FromMiB(128)), (job.Request.Limits.CpuTime, job.Request.Limits.Memory));
        Assert.Equal(job.Request.Limits, job.Request.Steps[0].Limits);
    }

    [Fact]
    public void A_ceiling_holds_for_jobs_that_name_a_limit_and_for_those_that_do_not()
    {
        var limits = Parse("""{ "limits": { "most": { "memory_bytes": 100000000 } } }""").Limits;
        Assert.Equal(100_000_000, JobCodec.Decode(Pack.Value(Samples.SmallJob), limits).Request.Limits.Memory.Bytes);
        var refused = Assert.Throws<WireException>(() => JobCodec.Decode(Pack.Value(Samples.SmallJob.With("limits", Pack.M(("memory_bytes", 100_000_001)))), limits));
        Assert.Equal("limits.memory_bytes", refused.Field);
    }

    [Theory]
    [InlineData("[]", "the file is no object")]
    [InlineData("{", "depth")]
    [InlineData("""{ "limit": {} }""", "'limit', which means nothing")]
    [InlineData("""{ "limits": { "most": { "memory": 1 } } }""", "'memory' is no limit")]
    [InlineData("""{ "limits": { "default": { "processes": 0 } } }""", "1 to 4096 is allowed")]
    [InlineData("""{ "limits": { "default": { "processes": 1.5 } } }""", "whole numbers")]
    [InlineData("""{ "network": "host" }""", "none or internet")]
    [InlineData("""{ "mounts": [ { "path": "srv/../etc" } ] }""", "absolute path")]
    [InlineData("""{ "mounts": [ { "path": "/srv", "writeable": true } ] }""", "'writeable'")]
    [InlineData("""{ "disk": { "backend": "zfs" } }""", "auto, tmpfs, project_quota, watched")]
    public void What_is_wrong_is_named_with_its_place(string json, string says)
    {
        var error = Assert.Throws<ContingiousException>(() => Parse(json));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains("/etc/example.json", error.Message, StringComparison.Ordinal);
    }

    private static OperatorConfig Parse(string json) => OperatorConfig.Parse(Encoding.UTF8.GetBytes(json), "/etc/example.json");
}
