using System.CommandLine;
using Contingious.Agent.Wire;
using Contingious.Engine;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary>The options that say what to run: the same for <c>run</c>, here, and for <c>submit</c>, through a broker.</summary>
internal sealed class ProgramOptions
{
    private readonly Option<string[]> files = new("--file", "-f") { Description = "a file to put in place, as HOST:PATH (PATH in the working directory, or absolute)", HelpName = "HOST:PATH" };
    private readonly Option<string?> stdin = new("--stdin") { Description = "the program's standard input: a file, or - for this command's own", HelpName = "FILE" };
    private readonly Option<string[]> env = new("--env", "-e") { Description = "set a variable of the program's environment", HelpName = "NAME=VALUE" };
    private readonly Option<string?> user = new("--user", "-u") { Description = "NAME, UID or UID:GID inside the container (the image's)", HelpName = "USER" };
    private readonly Option<string?> workdir = new("--workdir", "-w") { Description = "working directory (the image's)", HelpName = "DIR" };
    private readonly Option<string[]> outputs = new("--output", "-o") { Description = "glob of files to return; run writes them into the current directory", HelpName = "GLOB" };
    private readonly Option<bool> root = new("--root") { Description = "be root in the container, with few capabilities and none over the host" };
    private readonly Option<NetworkMode> network = new("--network", "--net")
    {
        Description = "none (the default) or internet, where the host's operator allows it",
        HelpName = "MODE",
        CustomParser = result =>
        {
            var text = result.Tokens.Count > 0 ? result.Tokens[0].Value : "";
            if (WireNames<NetworkMode>.Find(text) is { } mode) return mode;
            result.AddError($"--network: '{text}' is no network. There are: {string.Join(", ", WireNames<NetworkMode>.All)}.");
            return default;
        },
    };
    private readonly Option<string[]> mounts = new("--volume", "-v") { Description = "a directory of the host, as HOST:PATH[:rw], where the operator allows it", HelpName = "HOST:PATH" };
    private readonly LimitOptions limits = new();

    public Argument<string[]> Command { get; } = new("command") { Description = "program and arguments, behind -- (the image's own command)", Arity = ArgumentArity.ZeroOrMore, HelpName = "-- COMMAND" };

    public ProgramOptions() => Command.Validators.Add(result =>
    {
        // What is no option of ours is taken for the program's name, which no program begins with.
        if (result.Tokens is [{ Value: ['-', ..] } first, ..]) result.AddError($"'{first.Value}' is no option here. --help lists those that are; a program and its own options stand behind --.");
    });

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { files, stdin, env, user, workdir, outputs, root, network, mounts }) command.Options.Add(option);
        limits.AddTo(command);
    }

    /// <summary>
    /// The job that the options describe. It is put through the wire and back, so that one set of rules, that of
    /// docs/wire.md, holds for what is run here and for what is posted.
    /// </summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="jobId">The job's id.</param>
    /// <param name="image">The image's name.</param>
    /// <param name="policy">The host's own defaults and ceilings, where the job is run here.</param>
    /// <exception cref="WireException">A rule is broken; the message names the field.</exception>
    public Job Read(ParseResult parsed, string jobId, string image, LimitPolicy? policy = null)
    {
        var asked = limits.Read(parsed, (policy ?? LimitPolicy.Documented).Default);
        var request = new RunRequest
        {
            Id = SandboxId.For(jobId, 1),
            Image = image,
            Limits = asked,
            Files = [.. (parsed.GetValue(files) ?? []).Select(ReadFile)],
            Outputs = parsed.GetValue(outputs) ?? [],
            Root = parsed.GetValue(root),
            Network = parsed.GetValue(network),
            Mounts = [.. (parsed.GetValue(mounts) ?? []).Select(ReadMount)],
            Steps =
            [
                new StepRequest
                {
                    Name = "run",
                    Args = parsed.GetValue(Command) ?? [],
                    Env = (parsed.GetValue(env) ?? []).Select(ReadVariable).ToDictionary(),
                    User = parsed.GetValue(user),
                    WorkingDirectory = parsed.GetValue(workdir),
                    Stdin = ReadStdin(parsed.GetValue(stdin)),
                    Limits = asked,
                },
            ],
        };
        return JobCodec.Decode(JobCodec.Encode(new Job(jobId, 1, request)), policy);
    }

    internal static InputFile ReadFile(string text)
    {
        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? text : text[..colon];
        var path = colon < 0 ? Path.GetFileName(text) : text[(colon + 1)..];
        try
        {
            const UnixFileMode anyExecute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            return new InputFile(path, File.ReadAllBytes(host), (File.GetUnixFileMode(host) & anyExecute) != 0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ContingiousException($"--file {text}: {host} cannot be read by the account {Environment.GetEnvironmentVariable("USER") ?? Environment.UserName} ({error.Message}). Name a file that this account may read, as HOST:PATH.", error);
        }
    }

    private static HostMount ReadMount(string text) => text.Split(':') switch
    {
        [var host, var path] => new HostMount(host, path),
        [var host, var path, "ro"] => new HostMount(host, path),
        [var host, var path, "rw"] => new HostMount(host, path, Writable: true),
        _ => throw new ContingiousException($"--volume {text}: write it as HOST:PATH, or HOST:PATH:rw to let the program write there."),
    };

    internal static KeyValuePair<string, string> ReadVariable(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 1) throw new ContingiousException($"--env {text}: write it as NAME=VALUE.");
        return new(text[..equals], text[(equals + 1)..]);
    }

    private static ReadOnlyMemory<byte> ReadStdin(string? source)
    {
        if (source is null) return default;
        if (source != "-") return File.ReadAllBytes(source);
        using var all = new MemoryStream();
        using var own = Console.OpenStandardInput();
        own.CopyTo(all);
        return all.ToArray();
    }
}
