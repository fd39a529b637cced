using System.Text;
using Contingious.Agent.Cli;
using Contingious.Agent.Configuration;
using Contingious.Agent.Runner;
using Contingious.Agent.Wire;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Wire;

namespace Contingious.Tests.Configuration;

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
        Assert.Equal((4, TimeSpan.FromMinutes(30)), (config.Agent.Slots, config.Agent.Grace));
        Assert.Equal(new ClassOptions(32, TimeSpan.FromMinutes(2)), config.Agent.Classes[JobClass.Exam]);
        Assert.Equal(("broker.example", "/etc/contingious/broker.password"), (config.Broker.Host, config.Broker.PasswordFile));
        Assert.Equal("/srv/blobs", config.Results.Blobs?.Directory);
        Assert.Equal("127.0.0.1:9464", $"{config.Telemetry.Listen}");
    }

    [Fact]
    public void Without_a_file_all_is_as_documented()
    {
        var config = Compose(null);
        Assert.Equal(EngineOptions.Default with { Pool = new PoolOptions() }, config.Engine with { Mounts = EngineOptions.Default.Mounts });
        Assert.Equal(new AgentOptions().Tries, config.Agent.Tries);
        Assert.Null(config.Telemetry.Listen);
        Assert.Null(config.Results.Blobs);
        Assert.All(config.Values, value => Assert.Equal(value.Value is null ? "not set" : "default", value.Origin));
    }

    [Fact]
    public void A_ceiling_holds_for_jobs_that_name_a_limit_and_for_those_that_do_not()
    {
        var limits = Parse("""{ "limits": { "most": { "memory_bytes": 100000000 } } }""").Limits;
        Assert.Equal(100_000_000, JobCodec.Decode(Pack.Value(Samples.SmallJob), limits).Request.Limits.Memory.Bytes);
        var refused = Assert.Throws<WireException>(() => JobCodec.Decode(Pack.Value(Samples.SmallJob.With("limits", Pack.M(("memory_bytes", 100_000_001)))), limits));
        Assert.Equal("limits.memory_bytes", refused.Field);
    }

    [Fact]
    public void An_option_wins_over_a_variable_which_wins_over_the_file_which_wins_over_the_default()
    {
        var file = """{ "agent": { "tries": 2, "slots": 2, "cpus": 2.5 } }""";
        var config = Compose(file, new() { ["CONTINGIOUS_AGENT_TRIES"] = "4", ["CONTINGIOUS_AGENT_SLOTS"] = "4" }, ("agent.slots", "6", "--slots"));
        Assert.Equal((6, 4, 2.5, 6), (config.Agent.Slots, config.Agent.Tries, config.Agent.Capacity.Cpus, config.Agent.Capacity.Slots));
        string OriginOf(string key) => config.Values.Single(value => value.Key == key).Origin;
        Assert.Equal(["--slots", "CONTINGIOUS_AGENT_TRIES", "/etc/example.json:1", "default"], new[] { "agent.slots", "agent.tries", "agent.cpus", "agent.grace_s" }.Select(OriginOf));
    }

    [Fact]
    public void A_broker_that_a_variable_names_leaves_no_part_of_the_file_s_broker()
    {
        var file = """{ "broker": { "host": "old.example", "user": "old", "password": "old-secret", "prefix": "kept" } }""";
        var config = Compose(file, new() { ["CONTINGIOUS_BROKER"] = "amqp://new:secret@new.example/" });
        Assert.Equal(("amqp://new:secret@new.example/", null, null, null, "kept"), (config.Broker.Uri, config.Broker.Host, config.Broker.User, config.Broker.Password, config.Broker.Prefix));
    }

    [Fact]
    public void Every_value_has_a_variable_of_its_own_and_can_be_set_by_it()
    {
        Assert.Equal(SettingTable.All.Count, SettingTable.All.Select(setting => setting.Variable).Distinct().Count());
        Assert.Equal("CONTINGIOUS_LIMITS_MOST_MEMORY_BYTES", SettingTable.Find("limits.most.memory_bytes")?.Variable);
        var shown = Compose(null).Values.Where(value => value is { Value: not null }).ToDictionary(value => SettingTable.Find(value.Key)!.Variable, value => value.Value!);
        var again = Compose(null, shown);
        Assert.DoesNotContain(again.Warnings, warning => warning.Contains("means nothing", StringComparison.Ordinal));
        Assert.All(shown.Keys, variable => Assert.Contains(again.Values, value => value.Origin == variable));
    }

    [Fact]
    public void A_variable_that_means_nothing_is_told_and_those_of_others_are_left_alone()
    {
        var config = Compose(null, new() { ["CONTINGIOUS_AGENT_SLOT"] = "3", ["CONTINGIOUS_ACCOUNT"] = "x", ["CONTINGIOUS_TEST_BROKER"] = "x", ["HOME"] = "/", ["CONTINGIOUS_AGENT_TRIES"] = "" });
        Assert.Equal(["The variable CONTINGIOUS_AGENT_SLOT means nothing. The manual has those that do."], config.Warnings);
    }

    [Theory]
    [InlineData("[]", "the file is a list ([…]), and must be an object")]
    [InlineData("{", "it is no JSON: Expected depth to be zero")]
    [InlineData("", "it is no JSON")]
    [InlineData("{} x", "it is no JSON")]
    [InlineData("""{ "agent": {}, "agent": {} }""", "the file has 'agent' twice")]
    [InlineData("""{ "agent.slots": 2 }""", "'agent.slots', which means nothing")]
    [InlineData("""{ "limit": { "most": 1 } }""", "the file has 'limit', which means nothing. There are: agent, broker")]
    [InlineData("""{ "limits": { "most": { "memory": 1 } } }""", "limits.most has 'memory', which means nothing. There are: cpu_time_ms")]
    [InlineData("""{ "limits": 5 }""", "limits is a number, and must be an object")]
    [InlineData("""{ "limits": { "default": { "processes": 0 } } }""", "limits.default.processes is 0; 1 to 4096 is allowed")]
    [InlineData("""{ "limits": { "default": { "processes": 1.5 } } }""", "whole numbers")]
    [InlineData("""{ "limits": { "default": { "processes": "5" } } }""", "limits.default.processes is a text, and must be a number")]
    [InlineData("""{ "limits": { "default": { "cpus": 1e999 } } }""", "0.1 to 64 is allowed")]
    [InlineData("""{ "network": "host" }""", "network is 'host'; there are: none, internet")]
    [InlineData("""{ "network": null }""", "network is null. Leave it out")]
    [InlineData("""{ "mounts": {} }""", "mounts is an object ({…}), and must be a list")]
    [InlineData("""{ "mounts": [ "/srv" ] }""", "mounts[0] is a text, and must be an object")]
    [InlineData("""{ "mounts": [ { "writable": true } ] }""", "an entry of mounts has no path")]
    [InlineData("""{ "mounts": [ { "path": "srv/../etc" } ] }""", "absolute path")]
    [InlineData("""{ "mounts": [ { "path": "/srv", "writeable": true } ] }""", "mounts[0] has 'writeable', which means nothing. There are: path, writable")]
    [InlineData("""{ "mounts": [ { "path": "/srv", "writable": 1 } ] }""", "mounts[0].writable is a number, and must be true or false")]
    [InlineData("""{ "disk": { "backend": "zfs" } }""", "auto, tmpfs, project_quota, watched")]
    [InlineData("""{ "disk": { "tmpfs_at_most_bytes": -1 } }""", "disk.tmpfs_at_most_bytes is -1; 0 to")]
    [InlineData("""{ "agent": { "slots": 65 } }""", "agent.slots is 65; 1 to 64 is allowed, in whole numbers")]
    [InlineData("""{ "agent": { "slots": [1] } }""", "agent.slots is a list ([…]), and must be a number")]
    [InlineData("""{ "agent": { "name": "a b" } }""", "agent.name is 'a b'; 1 to 128 characters")]
    [InlineData("""{ "agent": { "cpus": 0 } }""", "agent.cpus is 0; 0.1 to")]
    [InlineData("""{ "agent": { "memory_bytes": 1 } }""", "agent.memory_bytes is 1; 16777216 to")]
    [InlineData("""{ "agent": { "disk_bytes": -1 } }""", "agent.disk_bytes is -1")]
    [InlineData("""{ "agent": { "grace_s": 1e9 } }""", "agent.grace_s is 1e9; 0 to 86400")]
    [InlineData("""{ "agent": { "tries": 11 } }""", "agent.tries is 11; 1 to 10")]
    [InlineData("""{ "agent": { "self_test_image": "" } }""", "agent.self_test_image is ''; the name of an imported image")]
    [InlineData("""{ "agent": { "classes": { "urgent": { "weight": 1 } } } }""", "agent.classes has 'urgent', which means nothing. There are: exam, interactive, batch, replay")]
    [InlineData("""{ "agent": { "classes": { "exam": { "weight": 0 } } } }""", "agent.classes.exam.weight is 0; 1 to 1000")]
    [InlineData("""{ "agent": { "classes": { "exam": { "max_wall_ms": 1200001 } } } }""", "agent.classes.exam.max_wall_ms is 1200001; 1 to 1200000")]
    [InlineData("""{ "broker": { "uri": "http://user:S3cret@broker" } }""", "broker.uri is not what it should be; amqp://")]
    [InlineData("""{ "broker": { "host": "a b" } }""", "broker.host is 'a b'; a name or an address")]
    [InlineData("""{ "broker": { "port": 0 } }""", "broker.port is 0; 1 to 65535")]
    [InlineData("""{ "broker": { "vhost": "" } }""", "broker.vhost is ''")]
    [InlineData("""{ "broker": { "user": "" } }""", "broker.user is ''")]
    [InlineData("""{ "broker": { "password": "" } }""", "broker.password is not what it should be; at least one character")]
    [InlineData("""{ "broker": { "password": 12345 } }""", "broker.password is a number, and must be a text")]
    [InlineData("""{ "broker": { "password_file": "secret" } }""", "broker.password_file is 'secret'; an absolute path")]
    [InlineData("""{ "broker": { "prefix": "a/b" } }""", "broker.prefix is 'a/b'; 1 to 100 characters")]
    [InlineData("""{ "broker": { "tls": "yes" } }""", "broker.tls is a text, and must be true or false")]
    [InlineData("""{ "broker": { "consumer_timeout_s": 0 } }""", "broker.consumer_timeout_s is 0")]
    [InlineData("""{ "results": { "inline_bytes": 99999999 } }""", "results.inline_bytes is 99999999; 0 to 12582912")]
    [InlineData("""{ "results": { "blobs": { "keep_days": 3 } } }""", "results.blobs has no directory")]
    [InlineData("""{ "results": { "blobs": { "directory": "/srv/b", "keep_days": 0 } } }""", "results.blobs.keep_days is 0")]
    [InlineData("""{ "telemetry": { "listen": "9464" } }""", "telemetry.listen is '9464'; an address with a port")]
    [InlineData("""{ "telemetry": { "listen": "127.0.0.1" } }""", "telemetry.listen is '127.0.0.1'; an address with a port")]
    [InlineData("""{ "telemetry": { "listen": "0.0.0.0:9464" } }""", "which other hosts may reach")]
    [InlineData("""{ "telemetry": { "listen_anywhere": "true" } }""", "telemetry.listen_anywhere is a text, and must be true or false")]
    [InlineData("""{ "telemetry": { "otlp": { "endpoint": "collector:4318" } } }""", "telemetry.otlp.endpoint is 'collector:4318'; http://HOST:PORT")]
    [InlineData("""{ "telemetry": { "otlp": { "protocol": "http/json" } } }""", "telemetry.otlp.protocol is 'http/json'; there are: http/protobuf, grpc")]
    public void What_is_wrong_is_named_with_its_place(string json, string says)
    {
        var error = Assert.Throws<ContingiousException>(() => Parse(json));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains(json.Contains("no directory", StringComparison.Ordinal) || says.Contains("no directory", StringComparison.Ordinal) ? "results" : "/etc/example.json", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("S3cret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("12345", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_told_at_once_with_its_line()
    {
        var error = Assert.Throws<ContingiousException>(() => Compose(
            """
            {
              // a comment
              "agent": { "slots": 0,
                         "name": "x y" },
              "unknown": { "a": { "b": 1 } }
            }
            """,
            new() { ["CONTINGIOUS_AGENT_TRIES"] = "many" },
            ("agent.nothing", "1", "--set agent.nothing")));
        Assert.Equal(
            [
                "The configuration /etc/example.json is wrong in line 3: agent.slots is 0; 1 to 64 is allowed, in whole numbers.",
                "The configuration /etc/example.json is wrong in line 4: agent.name is 'x y'; 1 to 128 characters of A-Z a-z 0-9 . _ - are allowed.",
                "The configuration /etc/example.json is wrong in line 5: the file has 'unknown', which means nothing. There are: agent, broker, results, telemetry, runtime, pool, network, disk, limits, mounts.",
                "The variable CONTINGIOUS_AGENT_TRIES is wrong: agent.tries is 'many'; 1 to 10 is allowed, in whole numbers.",
                "The option --set agent.nothing is wrong: 'agent.nothing' means nothing. 'contingious agent --show-config' lists what there is.",
            ],
            error.Message.Split('\n'));
    }

    [Fact]
    public void R15_no_secret_of_the_configuration_is_shown_logged_or_handed_over()
    {
        const string Secret = "Tr0ub4dor";
        var config = Compose($$"""{ "broker": { "uri": "amqp://grader:{{Secret}}@broker.example/" } }""", new() { ["CONTINGIOUS_BROKER_PASSWORD"] = Secret });
        Assert.Equal(Secret, config.Broker.Password);
        var shown = string.Join('\n', [ConfigRenderer.ToText(config), ConfigRenderer.ToJson(config), .. config.Warnings, .. config.Handover.Select(pair => $"{pair}"), $"{config}", $"{config.Broker}"]);
        Assert.DoesNotContain(Secret, shown, StringComparison.Ordinal);
        Assert.Contains("(secret)", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_with_a_secret_that_others_can_read_is_told()
    {
        using var scratch = new ScratchDirectory();
        var path = scratch["config.json"];
        File.WriteAllText(path, """{ "broker": { "password": "secret" } }""");
        IEnumerable<string> Warnings(UnixFileMode mode)
        {
            File.SetUnixFileMode(path, mode);
            return OperatorConfig.Compose(File.ReadAllBytes(path), path, new Dictionary<string, string>(), ConfigOptions.None).Warnings;
        }

        Assert.Contains(Warnings((UnixFileMode)0b110_100_100), warning => warning.Contains($"chmod o-rwx {path}", StringComparison.Ordinal));
        Assert.Empty(Warnings((UnixFileMode)0b110_100_000));
    }

    [Fact]
    public void A_runner_is_given_what_the_agent_was_given_but_not_the_broker()
    {
        var config = Compose("{}", new() { ["CONTINGIOUS_NETWORK"] = "internet", ["CONTINGIOUS_BROKER_USER"] = "x", ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://collector.example:4318", ["PATH"] = "/bin" }, ("limits.most.cpus", "2", "--set limits.most.cpus"), ("broker.user", "y", "--set broker.user"));
        Assert.Equal(
            [new("CONTINGIOUS_CONFIG", "/etc/example.json"), new("CONTINGIOUS_LIMITS_MOST_CPUS", "2"), new("CONTINGIOUS_NETWORK", "internet"), new("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318")],
            config.Handover.OrderBy(pair => pair.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void A_runner_that_is_given_another_collector_is_another_runner_and_one_that_is_given_the_same_is_not()
    {
        string Fingerprint(string collector) => RunnerFingerprint.Of(Compose("{}", new() { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector }));
        Assert.Equal(Fingerprint("http://one.example"), RunnerFingerprint.Of(Compose("{}", Compose("{}", new() { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://one.example" }).Handover.ToDictionary())));
        Assert.NotEqual(Fingerprint("http://one.example"), Fingerprint("http://two.example"));
    }

    [Fact]
    public void The_manual_has_every_value()
    {
        var manual = File.ReadAllText($"{Support.Repository.Root}/docs/operating.md");
        Assert.All(SettingTable.All.Where(setting => !setting.Key.StartsWith("limits.", StringComparison.Ordinal) && !setting.Key.StartsWith("agent.classes.", StringComparison.Ordinal)), setting => Assert.Contains($"`{setting.Key}`", manual, StringComparison.Ordinal));
    }

    private static OperatorConfig Parse(string json) => OperatorConfig.Parse(Encoding.UTF8.GetBytes(json), "/etc/example.json");

    private static OperatorConfig Compose(string? json, Dictionary<string, string>? environment = null, params (string Key, string Text, string Option)[] options) => OperatorConfig.Compose(
        json is null ? null : (ReadOnlyMemory<byte>?)Encoding.UTF8.GetBytes(json),
        "/etc/example.json",
        environment ?? [],
        new ConfigOptions(null, [.. options.Select(option => new GivenOption(option.Key, option.Text, option.Option))]));
}
