using System.Diagnostics;
using Contingious.Agent.Cli;
using Contingious.Agent.Cli.Completion;
using Contingious.Engine.Programs;
using Contingious.Tests.Support;

namespace Contingious.Tests.Commands;

public sealed class CompletionTests : IDisposable
{
    private static readonly CommandOutline root = CommandOutline.Of(CommandTree.Build([]));

    private readonly string directory = Directory.CreateTempSubdirectory("ctg-completion-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    // Words as bash hands them over; the last one is the one that is completed.
    [Theory]
    [InlineData("contingious|doc", "doctor")]
    [InlineData("contingious|image|ver", "verify")]
    [InlineData("contingious|image|inspect|--js", "--json")]
    [InlineData("contingious|run|--mem", "--memory")]
    [InlineData("contingious|run|-m|64m|--cpu-", "--cpu-time")]
    [InlineData("contingious|import|--clone-engine|", "split overlay")]
    [InlineData("contingious|import|--clone-engine|=|o", "overlay")]
    [InlineData("contingious|submit|--class|ex", "exam")]
    [InlineData("contingious|blob|--directory|/tmp|pr", "prune")]
    [InlineData("contingious|exec|ctg-1-1|", "--")]
    [InlineData("contingious|man", "")]
    [InlineData("contingious|keeper|status|x|", "")]
    public async Task Bash_completes(string words, string expected) => Assert.Equal(expected, string.Join(' ', await BashAsync(words)));

    [Fact]
    public async Task Bash_completes_the_command_of_a_container_and_files_behind_it()
    {
        Assert.Contains("ls", await BashAsync("contingious|run|--memory|64m|an-image|--|l"));
        await File.WriteAllTextAsync($"{directory}/some-file", "");
        Assert.Equal(["some-file"], await BashAsync("contingious|run|an-image|--|cat|some"));
        Assert.Equal(["some-file"], await BashAsync("contingious|run|--file|some"));
    }

    [Fact]
    public async Task Bash_completes_names_of_recipes_and_of_images_with_their_tags()
    {
        Directory.CreateDirectory($"{directory}/images/a-recipe");
        await File.WriteAllTextAsync($"{directory}/images/a-recipe/image.json", "{}");
        Assert.Contains("a-recipe", await BashAsync("contingious|import|a-re"));

        const string images = "__contingious_images() { echo course/task; echo course/task:before; }";
        Assert.Equal(["course/task", "course/task:before"], await BashAsync("contingious|run|cou", images));
        Assert.Equal(["before"], await BashAsync("contingious|run|course/task|:|be", images));
    }

    [Fact]
    public async Task Bash_never_runs_what_somebody_called_a_file()
    {
        foreach (var name in new[] { "a-$(touch ran)", "a-`touch ran`", "a-recipe; touch ran", "-a", "a-recipe" })
        {
            Directory.CreateDirectory($"{directory}/images/{name}");
            await File.WriteAllTextAsync($"{directory}/images/{name}/image.json", "{}", TestContext.Current.CancellationToken);
        }

        Assert.Equal(["a-recipe"], await BashAsync("contingious|import|a-"));

        // Nor what it was told past the filter.
        _ = await BashAsync("contingious|run|a", "__contingious_images() { echo 'a$(touch${IFS}ran)'; echo 'a`touch${IFS}ran`'; }");
        Assert.False(File.Exists($"{directory}/ran"));
    }

    [Fact]
    public void Every_shell_is_told_of_every_command_and_option_that_is_not_hidden()
    {
        foreach (var shell in CompletionCommand.Shells)
        {
            var script = CompletionCommand.Render(shell, root);
            Assert.All(root.All.SelectMany(command => command.Options).SelectMany(option => option.Names).Select(name => name.TrimStart('-')).Distinct(), name => Assert.Contains(name, script, StringComparison.Ordinal));
            Assert.All(root.All.Skip(1), command => Assert.Contains(command.Words[^1], script, StringComparison.Ordinal));
            Assert.DoesNotContain("runner", script, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void What_is_offered_for_an_option_is_what_the_option_takes()
    {
        var offered = root.All.SelectMany(command => command.Options.SelectMany(option => option.Choices.Select(choice => (Command: command, Option: option.Names[0], Choice: choice)))).ToList();
        Assert.Contains(offered, each => each is { Option: "--class", Choice: "exam" });
        foreach (var (command, option, choice) in offered)
        {
            var errors = CommandTree.Build([]).Parse([.. command.Words.Skip(1), option, choice]).Errors;
            Assert.DoesNotContain(errors, error => error.Message.Contains(choice, StringComparison.Ordinal) || error.Message.Contains($"{option}:", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Each_shell_can_read_its_script(string shell)
    {
        Prerequisite.Require(ProgramRunner.Find(shell) is not null, shell);
        var path = $"{directory}/{shell}";
        await File.WriteAllTextAsync(path, CompletionCommand.Render(shell, root));
        Assert.Equal("", await RunAsync(shell, ["-n", path]));
    }

    [Theory]
    [InlineData("contingious imp", "import")]
    [InlineData("contingious image ta", "tag")]
    [InlineData("contingious run --cpu-t", "--cpu-time")]
    public async Task Fish_completes_commands_and_options(string line, string expected)
    {
        Prerequisite.Require(ProgramRunner.Find("fish") is not null, "fish");
        await File.WriteAllTextAsync($"{directory}/script", CompletionCommand.Render("fish", root), TestContext.Current.CancellationToken);
        var offered = await RunAsync("fish", ["--no-config", "-c", $"source ./script; complete --do-complete '{line}'"]);
        Assert.Equal([expected], offered.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(offer => offer.Split('\t')[0]));
    }

    private async Task<string[]> BashAsync(string words, string also = "")
    {
        await File.WriteAllTextAsync($"{directory}/script", CompletionCommand.Render("bash", root));
        var list = string.Join(' ', words.Split('|').Select(word => $"'{word}'"));
        var script = $"complete() {{ :; }}; . ./script; {also}\nCOMP_WORDS=({list}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _contingious; printf '%s\\n' \"${{COMPREPLY[@]}}\"";
        return (await RunAsync("bash", ["--norc", "-c", script])).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private async Task<string> RunAsync(string program, string[] args)
    {
        using var run = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory })!;
        var errors = run.StandardError.ReadToEndAsync();
        var output = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        Assert.Equal("", await errors);
        return output;
    }
}
