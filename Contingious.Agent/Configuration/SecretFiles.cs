namespace Contingious.Agent.Configuration;

/// <summary>Looks at files that hold a secret: others than their owner and group should not read them.</summary>
internal static class SecretFiles
{
    /// <returns>A sentence for each that others can read.</returns>
    public static IEnumerable<string> Examine(OperatorConfig config, string? file)
    {
        var inFile = config.Values.Where(value => value.Value is not null && value.Key is "broker.password" or "broker.uri").Any(value => file is not null && value.Origin.StartsWith($"{file}:", StringComparison.Ordinal));
        (string? Path, string Holds)[] files =
        [
            (inFile ? file : null, "a password"),
            (config.Broker.PasswordFile, "a password"),
            (config.Broker.KeyFile, "a key"),
            (config.Telemetry.OtlpHeadersFile, "a token"),
        ];
        foreach (var (path, holds) in files)
        {
            if (path is not null && IsOpen(path)) yield return $"{path} holds {holds} and can be read by every user of this host. Mend it with: chmod o-rwx {path}";
        }
    }

    private static bool IsOpen(string path)
    {
        try
        {
            return (File.GetUnixFileMode(path) & UnixFileMode.OtherRead) != 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Whoever opens it says what is wrong with it.
            return false;
        }
    }
}
