using Contingious.Agent.Configuration;
using Contingious.Agent.Queue;
using Contingious.Engine;
using Contingious.Tests.Support;

namespace Contingious.Tests.Queue;

/// <summary>Which broker, said in several places. R15: no password gets out of it.</summary>
public sealed class BrokerSettingsTests
{
    [Fact]
    public void What_a_higher_place_says_wins_and_what_it_leaves_out_is_the_lower_one_s()
    {
        var configured = new BrokerSettings { Host = "mq.example", Port = 5673, User = "grader", Password = "s3cret", Prefix = "cs101" };
        var broker = BrokerOptions.Create(new BrokerSettings { Port = 5674 }.Over(configured));
        Assert.Equal(("mq.example:5674", "grader", "s3cret", "cs101"), (broker.Address, broker.User, broker.Password, broker.Prefix));
    }

    [Fact]
    public void A_URI_takes_the_place_of_a_lower_host_and_its_password_that_of_a_lower_password()
    {
        var configured = new BrokerSettings { Host = "mq.example", Port = 5673, VirtualHost = "grading", User = "grader", Password = "s3cret" };
        var other = BrokerOptions.Create(new BrokerSettings { Uri = "amqp://bob:hunter2@other" }.Over(configured));
        Assert.Equal(("other:5672", "/", "bob", "hunter2"), (other.Address, other.VirtualHost, other.User, other.Password));
        var same = BrokerOptions.Create(new BrokerSettings { Uri = "amqp://other/exams" }.Over(configured));
        Assert.Equal(("other:5672", "exams", "grader", "s3cret"), (same.Address, same.VirtualHost, same.User, same.Password));
    }

    [Fact]
    public void Every_part_can_come_from_the_environment()
    {
        var variables = new Dictionary<string, string>
        {
            ["CONTINGIOUS_BROKER"] = "amqp://mq.example",
            ["CONTINGIOUS_BROKER_PORT"] = "5999",
            ["CONTINGIOUS_BROKER_VHOST"] = "grading",
            ["CONTINGIOUS_BROKER_USER"] = "grader",
            ["CONTINGIOUS_BROKER_PASSWORD"] = "s3cret",
            ["CONTINGIOUS_BROKER_TLS"] = "true",
            ["CONTINGIOUS_BROKER_SERVER_NAME"] = "broker.internal",
            ["CONTINGIOUS_BROKER_CONSUMER_TIMEOUT_S"] = "7200",
            ["CONTINGIOUS_BROKER_PREFIX"] = "",
        };
        var broker = BrokerOptions.Create(OperatorConfig.Compose(null, "/etc/x.json", variables, ConfigOptions.None).Broker);
        Assert.Equal("amqps://grader@mq.example:5999/grading", broker.ToString());
        Assert.Equal(("s3cret", "broker.internal", TimeSpan.FromHours(2), "contingious"), (broker.Password, broker.Tls?.ServerName, broker.StatedConsumerTimeout, broker.Prefix));
    }

    [Fact]
    public void A_password_is_read_from_a_file_without_the_newline_at_its_end()
    {
        using var scratch = new PasswordFile("s3cret\n", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Assert.Equal("s3cret", BrokerOptions.Create(new BrokerSettings { User = "grader", PasswordFile = scratch.Path }).Password);
    }

    [Fact]
    public void R15_A_password_file_that_anybody_can_read_is_refused()
    {
        using var scratch = new PasswordFile("s3cret", UnixFileMode.UserRead | UnixFileMode.OtherRead);
        var refusal = Assert.Throws<ContingiousException>(() => BrokerOptions.Create(new BrokerSettings { PasswordFile = scratch.Path }));
        Assert.Contains($"chmod o= {scratch.Path}", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", refusal.ToString(), StringComparison.Ordinal);
    }

    public static TheoryData<string, BrokerSettings> Wrong => new()
    {
        { "broker.uri", new BrokerSettings { Uri = "http://a:s3cret@b" } },
        { "broker.host", new BrokerSettings { Host = "a b" } },
        { "broker.port", new BrokerSettings { Port = 70_000 } },
        { "broker.vhost", new BrokerSettings { VirtualHost = "" } },
        { "broker.user", new BrokerSettings { User = "" } },
        { "broker.password_file", new BrokerSettings { Password = "s3cret", PasswordFile = "/nowhere" } },
        { "broker.password_file: /nowhere", new BrokerSettings { PasswordFile = "/nowhere" } },
        { "broker.tls", new BrokerSettings { Uri = "amqps://mq", Tls = false } },
        { "broker.ca_file", new BrokerSettings { Host = "mq", CaFile = "/etc/ca.pem" } },
        { "broker.key_file", new BrokerSettings { Tls = true, KeyFile = "/etc/key.pem" } },
        { "broker.consumer_timeout_s", new BrokerSettings { ConsumerTimeout = TimeSpan.Zero } },
        { "broker.prefix", new BrokerSettings { Prefix = "a/b" } },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_wrong_is_named_by_its_key_and_no_secret_is_shown(string key, BrokerSettings settings)
    {
        var refusal = Assert.Throws<ContingiousException>(() => BrokerOptions.Create(settings));
        Assert.StartsWith(key, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", refusal.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", settings.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CONTINGIOUS_BROKER_PORT", "many")]
    [InlineData("CONTINGIOUS_BROKER_TLS", "perhaps")]
    public void A_variable_that_is_wrong_is_named(string name, string value)
    {
        var refusal = Assert.Throws<ContingiousException>(() => OperatorConfig.Compose(null, "/etc/x.json", new Dictionary<string, string> { [name] = value }, ConfigOptions.None));
        Assert.StartsWith($"The variable {name} is wrong", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task R15_The_command_line_warns_of_a_password_in_an_option_and_shows_it_nowhere()
    {
        var result = await Cli.RunAsync("broker", "setup", "--broker", "amqp://bob:s3cret@127.0.0.1:1/");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Single(result.Stderr.Split('\n'), line => line.Contains("CONTINGIOUS_BROKER_PASSWORD_FILE", StringComparison.Ordinal));
        Assert.DoesNotContain("s3cret", result.Stdout + result.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task R15_A_password_from_the_environment_is_in_no_command_line_and_no_output()
    {
        var result = await Cli.RunAsync(new Dictionary<string, string> { ["CONTINGIOUS_BROKER"] = "amqp://bob:s3cret@127.0.0.1:1/" }, "broker", "setup");
        Assert.Contains("No broker answers at 127.0.0.1:1", result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("warning", result.Stderr, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", result.Stdout + result.Stderr, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_reads_the_configuration_below_environment_and_options()
    {
        using var file = new PasswordFile("""{ "broker": { "host": "127.0.0.1", "port": 1 } }""", UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        // A variable that is empty says nothing: the one that these tests may run under does not count.
        var env = new Dictionary<string, string> { [OperatorConfig.PathVariable] = file.Path, ["CONTINGIOUS_BROKER"] = "" };
        Assert.Contains("No broker answers at 127.0.0.1:1", (await Cli.RunAsync(env, "cancel", "a")).Stderr, StringComparison.Ordinal);
        env["CONTINGIOUS_BROKER_PORT"] = "2";
        Assert.Contains("No broker answers at 127.0.0.1:2", (await Cli.RunAsync(env, "agents")).Stderr, StringComparison.Ordinal);
        Assert.Contains("No broker answers at 127.0.0.1:3", (await Cli.RunAsync(env, "events", "--broker", "amqp://127.0.0.1:3")).Stderr, StringComparison.Ordinal);
    }

    private sealed class PasswordFile : IDisposable
    {
        private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("contingious-password-");

        public PasswordFile(string content, UnixFileMode mode)
        {
            Path = System.IO.Path.Combine(directory.FullName, "password");
            File.WriteAllText(Path, content);
            File.SetUnixFileMode(Path, mode);
            // Root's calls continue as the account.
            File.SetUnixFileMode(directory.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        public string Path { get; }

        public void Dispose() => directory.Delete(recursive: true);
    }
}
