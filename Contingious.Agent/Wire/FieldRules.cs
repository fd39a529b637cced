using System.Globalization;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

/// <summary>What text in a job may be. Each rule answers with a sentence about what is wrong, or with nothing.</summary>
internal static class FieldRules
{
    private const int MaxPathBytes = 4_095;
    private const int MaxComponentBytes = 255;
    private const int MaxImage = 256;
    private const int MaxUserName = 32;
    private const int MaxUser = 64;

    public static string? JobId(string id) => SandboxId.IsJobId(id) ? null : SandboxId.JobIdRule;

    public static string? Image(string image)
    {
        if (image.Length is 0 or > MaxImage) return "An image has 1 to 256 characters.";
        var isPlain = char.IsAsciiLetterOrDigit(image[0]) && image.All(c => char.IsAsciiLetterOrDigit(c) || "._-:/@+".Contains(c, StringComparison.Ordinal));
        return isPlain && !HasParent(image) ? null : $"{Escaped.Quote(image)} is no image: it is name, name:tag or sha256:DIGEST.";
    }

    public static string? StepName(string name) =>
        name.Length <= WireFormat.MaxStepName && !name.Any(char.IsControl) ? null : "A step's name has at most 64 characters, none of them a control character.";

    public static string? Argument(string argument) => HasNul(argument) ? "An argument cannot hold a NUL." : null;

    public static string? EnvName(string name)
    {
        if (name.Length == 0 || HasNul(name) || name.Contains('=', StringComparison.Ordinal))
        {
            return $"{Escaped.Quote(name)} is no name of a variable: it is not empty and holds neither '=' nor NUL.";
        }

        return null;
    }

    public static string? EnvValue(string value) => HasNul(value) ? "The value of a variable cannot hold a NUL." : null;

    public static string? WorkingDirectory(string path)
    {
        if (!path.StartsWith('/')) return $"{Escaped.Quote(path)} is not absolute.";
        if (path.Length > MaxPathBytes) return DirectoryPath(path);
        var first = path.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(part => part != ".");
        return first == "proc" ? $"{Escaped.Quote(path)} is below /proc, which is no place to work in." : DirectoryPath(path);
    }

    /// <summary>A directory to mount, or a place to mount it at.</summary>
    public static string? MountPath(string path) => path.StartsWith('/') ? DirectoryPath(path) : $"{Escaped.Quote(path)} is not absolute.";

    /// <summary><c>name</c>, <c>uid</c> or <c>uid:gid</c>.</summary>
    public static string? User(string user)
    {
        if (user.Length > MaxUser) return $"{Escaped.Quote(user)} is longer than any user.";
        var parts = user.Split(':');
        var isNumeric = parts.Length <= 2 && parts.All(part => uint.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id < uint.MaxValue);
        var isName = user.Length is > 0 and <= MaxUserName
            && (char.IsAsciiLetter(user[0]) || user[0] == '_')
            && user.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.');
        return isNumeric || isName ? null : $"{Escaped.Quote(user)} is no user: it is name, uid or uid:gid.";
    }

    /// <summary>A file's path, relative to the working directory or absolute.</summary>
    public static string? FilePath(string path, bool allowAbsolute = true)
    {
        if (path.Length == 0) return "The path is empty.";
        var last = path[(path.LastIndexOf('/') + 1)..];
        return last is "" or "." ? $"{Escaped.Quote(path)} names a directory, not a file." : DirectoryPath(path, allowAbsolute);
    }

    public static string? DirectoryPath(string path, bool allowAbsolute = true)
    {
        if (path.Length == 0) return "The path is empty.";
        if (HasNul(path)) return "A path cannot hold a NUL.";
        if (NativeText.ByteCount(path) > MaxPathBytes) return $"A path has at most {MaxPathBytes:N0} bytes.";
        if (!allowAbsolute && path[0] == '/') return "The path is absolute.";
        if (HasParent(path)) return $"{Escaped.Quote(path)} goes through '..'.";
        foreach (var part in path.AsSpan().Split('/'))
        {
            if (NativeText.ByteCount(path.AsSpan(part)) > MaxComponentBytes) return $"A name within a path has at most {MaxComponentBytes} bytes.";
        }

        return null;
    }

    private static bool HasParent(ReadOnlySpan<char> path)
    {
        foreach (var part in path.Split('/'))
        {
            if (path[part] is "..") return true;
        }

        return false;
    }

    private static bool HasNul(string text) => text.Contains('\0', StringComparison.Ordinal);
}
