using Contingious.Agent.Runner;

namespace Contingious.Tests.Runner;

public sealed class ProgramFilesTests
{
    [Fact]
    public void What_a_runner_or_an_agent_may_need_is_loaded_before_an_upgrade_can_replace_it()
    {
        ProgramFiles.LoadForRunner();
        AssertLoaded("Contingious.Engine", "Contingious.Importer", "OpenTelemetry", "System.Formats.Tar", "System.IO.Compression", "System.Net.Sockets", "System.Text.Json");

        ProgramFiles.LoadForAgent();
        AssertLoaded("RabbitMQ.Client", "Microsoft.AspNetCore.Server.Kestrel.Core", "System.Net.Security", "System.Security.Cryptography");
    }

    private static void AssertLoaded(params string[] names)
    {
        var loaded = AppDomain.CurrentDomain.GetAssemblies().Select(assembly => assembly.GetName().Name).ToList();
        Assert.All(names, name => Assert.Contains(name, loaded));
    }
}
