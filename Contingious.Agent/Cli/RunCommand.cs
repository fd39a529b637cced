using System.CommandLine;
using System.Security.Cryptography;
using Contingious.Agent.Configuration;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Engine.Pool;
using Microsoft.Extensions.Logging.Abstractions;

namespace Contingious.Agent.Cli;

/// <summary><c>contingious run</c>: one program in a sandbox of its own, here and now, without a broker.</summary>
internal static class RunCommand
{
    public static Command Build(IReadOnlyList<string> args)
    {
        var image = new Argument<string>("image") { Description = "an imported image: a name, name:tag, sha256:… or the first 12 digits of that", HelpName = "IMAGE" };
        var program = new ProgramOptions();
        var json = ReportRenderer.JsonOption();
        var runtime = new Option<string?>("--runtime") { Description = "crun or runc, in place of the configured one", HelpName = "NAME" };
        runtime.AcceptOnlyFromAmong([.. WireNames<RuntimeKind>.All]);
        var command = new Command("run", "Run a program in a fresh sandbox. Exits with the program's own code; 128+n for a signal, 124 for a time limit, 125 where it could not be run.") { image, program.Command, runtime, json };
        program.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var entry = await AccountEntry.FindAsync(cancellation).ConfigureAwait(false);
            await entry.EnterKeeperAsync(args, cancellation).ConfigureAwait(false);
            var given = parsed.GetValue(runtime);
            var config = OperatorConfig.Read(entry.Layout, new ConfigOptions(null, given is null ? [] : [new GivenOption("runtime", given, "--runtime")]));
            var job = program.Read(parsed, $"run-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}", new ImageStore(entry.Layout.ImagesDirectory).Spell(parsed.GetRequiredValue(image)), config.Limits);
            var engine = await SandboxEngine.OpenAsync(entry.Layout, config.Engine with { Pool = PoolOptions.Off }, TimeProvider.System, NullLogger.Instance).ConfigureAwait(false);
            var report = await engine.RunAsync(job.Request, cancellation).ConfigureAwait(false);
            await ReportRenderer.RenderAsync(report, parsed.GetValue(json)).ConfigureAwait(false);
            return ExitCodes.Of(report);
        });
        return command;
    }
}
