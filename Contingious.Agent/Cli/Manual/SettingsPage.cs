using System.Globalization;
using Contingious.Agent.Configuration;
using Contingious.Agent.Wire;

namespace Contingious.Agent.Cli.Manual;

/// <summary>The manual page of the configuration, section 5: every value of <see cref="SettingTable"/>.</summary>
internal static class SettingsPage
{
    public const string Name = "contingious.conf";

    public static string FileName => $"{Name}.5";

    public static string Render(string date, string version)
    {
        var page = new Roff(Name, 5, date, version);
        page.Section("NAME");
        page.Line($"{Roff.Text(Name)} \\- {Roff.Text("configuration of contingious")}");
        page.Section("SYNOPSIS");
        page.Line(Roff.Italic("/etc/contingious/config.json"));
        page.Section("DESCRIPTION");
        page.Line(Roff.Text("What the operator of a host decides, as JSON. For another account NAME the file is /etc/contingious-NAME/config.json; CONTINGIOUS_CONFIG or --config names another one. Comments are allowed. Nothing of it is needed. A word that means nothing is an error, with its place, and all that is wrong is told at once."));
        page.Paragraph("The dots in the names below are objects within objects:");
        page.Example(["{", "  \"agent\": { \"slots\": 4 },", "  \"broker\": { \"host\": \"broker.example\", \"user\": \"grader\", \"password_file\": \"/etc/contingious/broker.password\" }", "}"]);
        page.Paragraph("Each value but mounts has a variable of the environment too: CONTINGIOUS_ and its name in capitals with _ for each dot. An option wins over a variable, a variable over the file, the file over the default. \"contingious agent --show-config\" prints what holds and where it came from.");
        foreach (var group in SettingTable.All.Where(setting => !IsLimit(setting)).GroupBy(setting => setting.Key.Split('.')[0]))
        {
            page.Section($"VALUES: {group.Key}");
            foreach (var setting in group) page.Item(Roff.Bold(setting.Key), SettingText.Of(setting.Key) ?? throw new InvalidOperationException($"{setting.Key} has no text for the manual."));
        }

        page.Section("VALUES: mounts");
        page.Item(Roff.Bold("mounts"), "A list of objects with path and writable (false): directories of the host that jobs may name, with all that is below them. None by default.");
        page.Section("VALUES: limits");
        page.Line(Roff.Text("limits.default.LIMIT is what a job gets that names none; limits.most.LIMIT is the most that a job may name. Both have the range below, and no ceiling is set by default. LIMIT is one of:"));
        foreach (var rule in LimitRule.All) page.Item(Roff.Bold(rule.Key), $"{Number(rule.Least)} to {Number(rule.Most)}; {Number(rule.Get(LimitPolicy.Documented.Default))} where nothing says otherwise.");
        page.Section("SEE ALSO");
        page.Line($"{Roff.Bold("contingious")}(1), {Roff.Bold("contingious-agent")}(1)");
        return page.ToString();
    }

    private static bool IsLimit(Setting setting) => setting.Key.StartsWith("limits.", StringComparison.Ordinal);

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}
