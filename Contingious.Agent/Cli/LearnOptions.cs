using System.CommandLine;
using Contingious.Engine;
using Contingious.Engine.Host;
using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Importer.Splitting.Learning;

namespace Contingious.Agent.Cli;

/// <summary><c>import --learn -- CMD</c>: the rules come from what a command writes.</summary>
internal sealed class LearnOptions
{
    private readonly Option<bool> learn = new("--learn") { Description = "run the command on the whole image, make rules of what it writes, and import only if it does the same on the split" };
    private readonly Option<string[]> input = new("--input") { Description = "with --learn: a file to put in place for the command, as HOST:PATH (PATH in the working directory, or absolute)", HelpName = "HOST:PATH" };
    private readonly Argument<string[]> sample = new("command") { Description = "with --learn: a program that writes what submissions do, and its arguments, behind -- (the image's own command)", Arity = ArgumentArity.ZeroOrMore, HelpName = "-- COMMAND" };

    public void AddTo(Command command)
    {
        command.Options.Add(learn);
        command.Options.Add(input);
        command.Arguments.Add(sample);
    }

    /// <summary>Imports, and learns the rules before where that was asked for.</summary>
    public async Task<(Image Image, LearnedSplit? Learned)> ImportAsync(
        ParseResult parsed, HostLayout layout, ImportRequest request, IProgress<string>? progress, Func<ImportRequest, Task<Image>> import, CancellationToken cancellation)
    {
        var (args, inputs) = (parsed.GetValue(sample) ?? [], parsed.GetValue(input) ?? []);
        if (!parsed.GetValue(learn))
        {
            if (args.Length > 0 || inputs.Length > 0) throw new RejectedRequestException("--learn", "A command and its input files belong to --learn: add it, or leave them out.");
            return (await import(request).ConfigureAwait(false), null);
        }

        var command = new SampleCommand { Args = args, Files = [.. inputs.Select(ProgramOptions.ReadFile)] };
        var (learned, image) = await new SplitLearner(layout, TimeProvider.System).LearnAsync(request, command, progress, import, cancellation).ConfigureAwait(false);
        return (image, learned);
    }
}
