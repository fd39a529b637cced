using System.CommandLine;
using System.Globalization;

namespace Contingious.Agent.Cli.Manual;

/// <summary><c>contingious manual DIR</c>: writes the manual pages, for whoever makes a package.</summary>
internal static class ManualCommand
{
    /// <summary>Says of when what is built is (reproducible-builds.org): the same sources make the same pages.</summary>
    private const string EpochVariable = "SOURCE_DATE_EPOCH";

    public static Command Build(Func<CommandOutline> outline)
    {
        var directory = new Argument<string>("directory") { Description = "where; it is made where it is missing", HelpName = "DIR" };
        var command = new Command("manual", "Write the manual pages.") { directory };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            var into = Directory.CreateDirectory(parsed.GetRequiredValue(directory)).FullName;
            foreach (var (name, page) in Pages(outline(), Date(TimeProvider.System), Version)) File.WriteAllText(Path.Combine(into, name), page);
        });
        return command;
    }

    internal static IEnumerable<(string Name, string Page)> Pages(CommandOutline root, string date, string version) => root.All
        .Select(command => (CommandPage.FileName(command), CommandPage.Render(command, root, date, version)))
        .Append((SettingsPage.FileName, SettingsPage.Render(date, version)));

    private static string Version => typeof(ManualCommand).Assembly.GetName().Version?.ToString(3) ?? "";

    private static string Date(TimeProvider time) =>
        (long.TryParse(Environment.GetEnvironmentVariable(EpochVariable), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch) ? DateTimeOffset.FromUnixTimeSeconds(epoch) : time.GetUtcNow())
            .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
