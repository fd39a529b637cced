namespace Contingious.Engine.Host;

/// <summary>How much a finding matters to the jobs.</summary>
public enum Severity
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Good to know, or something that could not be looked at.</summary>
    Notice,

    /// <summary>Jobs run, but not as well or not as guarded as they could.</summary>
    Warning,

    /// <summary>No job can run.</summary>
    Fatal,
}

/// <summary>One thing that the doctor looked at.</summary>
/// <param name="Severity">How much it matters.</param>
/// <param name="Check">What was looked at, in a word or two.</param>
/// <param name="Message">What was found, a sentence.</param>
/// <param name="Remedy">The command that mends it; empty where there is nothing to mend.</param>
public sealed record Finding(Severity Severity, string Check, string Message, string Remedy)
{
    internal static Finding Ok(string check, string message) => new(Severity.Ok, check, message, "");

    internal static Finding Notice(string check, string message, string remedy) => new(Severity.Notice, check, message, remedy);

    internal static Finding Warning(string check, string message, string remedy) => new(Severity.Warning, check, message, remedy);

    internal static Finding Fatal(string check, string message, string remedy) => new(Severity.Fatal, check, message, remedy);
}
