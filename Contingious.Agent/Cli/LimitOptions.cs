using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Contingious.Engine.Model;

namespace Contingious.Agent.Cli;

/// <summary>The options that say what a program may use: the same on every command that runs one.</summary>
internal sealed class LimitOptions
{
    private readonly Option<TimeSpan?> cpuTime = Duration("--cpu-time", "CPU time of all the program's processes, such as 2s, 500ms, 1m (10s)");
    private readonly Option<TimeSpan?> wallTime = Duration("--wall-time", "elapsed time (3 times the CPU time)");
    private readonly Option<ByteSize?> memory = Size("--memory", "memory of all the program's processes, such as 64m (256m)", "-m");
    private readonly Option<ByteSize?> disk = Size("--disk", "bytes the program may write to its rootfs (128m)");
    private readonly Option<ByteSize?> stack = Size("--stack", "stack of a program's first thread (as much as the memory)");
    private readonly Option<int?> processes = new("--processes", "--pids-limit") { Description = "processes and threads at once (64)", HelpName = "N" };
    private readonly Option<double?> cpus = new("--cpus") { Description = "CPUs' worth of bandwidth (1.0)", HelpName = "N" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { cpuTime, wallTime, memory, disk, stack, processes, cpus }) command.Options.Add(option);
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="defaults">What holds where an option is left out.</param>
    public Limits Read(ParseResult parsed, Limits defaults)
    {
        var cpu = parsed.GetValue(cpuTime);
        return defaults with
        {
            CpuTime = cpu ?? defaults.CpuTime,
            WallTime = parsed.GetValue(wallTime) ?? (cpu * 3) ?? defaults.WallTime,
            Memory = parsed.GetValue(memory) ?? defaults.Memory,
            Disk = parsed.GetValue(disk) ?? defaults.Disk,
            Stack = parsed.GetValue(stack),
            Processes = parsed.GetValue(processes) ?? defaults.Processes,
            Cpus = parsed.GetValue(cpus) ?? defaults.Cpus,
        };
    }

    /// <summary>Reads <c>500ms</c>, <c>2s</c>, <c>1.5m</c>, <c>1h</c>; a bare number is seconds.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        var (unit, digits) = text switch
        {
            [.. var number, 'm', 's'] => (TimeSpan.FromMilliseconds(1), number),
            [.. var number, 's'] => (TimeSpan.FromSeconds(1), number),
            [.. var number, 'm'] => (TimeSpan.FromMinutes(1), number),
            [.. var number, 'h'] => (TimeSpan.FromHours(1), number),
            _ => (TimeSpan.FromSeconds(1), text),
        };
        duration = default;
        if (!double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count) || count <= 0 || count > 1e6) return false;
        duration = unit * count;
        return true;
    }

    private static Option<TimeSpan?> Duration(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result => TryParseDuration(Text(result), out var value) ? value : Fail<TimeSpan?>(result, $"{name}: '{Text(result)}' is no time. Write it as 500ms, 2s or 1m."),
    };

    private static Option<ByteSize?> Size(string name, string description, params string[] aliases) => new(name, aliases)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result => ByteSize.TryParse(Text(result), out var value) ? value : Fail<ByteSize?>(result, $"{name}: '{Text(result)}' is no size. Write it as 65536, 64k, 64m or 1g."),
    };

    private static string Text(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[0].Value : "";

    private static T? Fail<T>(ArgumentResult result, string message)
    {
        result.AddError(message);
        return default;
    }
}
