using System.Globalization;
using System.Security.Cryptography;

namespace Contingious.Engine.Model;

/// <summary>
/// The name of a sandbox and of everything leased for it: <c>ctg-JOB-ATTEMPT</c>.
/// A sweep recognises by it what a killed agent left behind.
/// </summary>
public readonly record struct SandboxId
{
    public const string Prefix = "ctg-";

    // A job id begins with a letter or a digit.
    private const string ParkedPrefix = $"{Prefix}_parked-";

    /// <summary>The longest job id; a file name holds 255 bytes and the sandbox's name adds to it.</summary>
    public const int MaxJobIdLength = 128;

    private SandboxId(string value) => Value = value;

    public string Value { get; }

    /// <exception cref="ArgumentException">The job id is not one (<see cref="IsJobId"/>).</exception>
    public static SandboxId For(string jobId, int attempt)
    {
        if (!IsJobId(jobId)) throw new ArgumentException(JobIdRule, nameof(jobId));
        ArgumentOutOfRangeException.ThrowIfNegative(attempt);
        return new SandboxId($"{Prefix}{jobId}-{attempt}");
    }

    /// <summary>A name for a sandbox that is made before its job is known: no job has it.</summary>
    public static SandboxId NewParked() => new($"{ParkedPrefix}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}");

    /// <summary>Whether a sandbox of this name was made before its job was known.</summary>
    public static bool IsParked(string name) => name.StartsWith(ParkedPrefix, StringComparison.Ordinal);

    /// <summary>Which attempt at a job a sandbox of this name is for; nothing where it is for another job.</summary>
    public static int? AttemptOf(string name, string jobId)
    {
        var prefix = $"{Prefix}{jobId}-";
        return name.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var attempt) ? attempt : null;
    }

    public const string JobIdRule = "A job id has 1 to 128 characters of A-Z a-z 0-9 . _ - and starts with a letter or a digit.";

    public static bool IsJobId(string? text) =>
        text is { Length: > 0 and <= MaxJobIdLength }
        && char.IsAsciiLetterOrDigit(text[0])
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    public override string ToString() => Value;
}
