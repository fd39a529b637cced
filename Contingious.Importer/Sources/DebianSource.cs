using System.Text.RegularExpressions;
using Contingious.Engine;
using Contingious.Importer.Oci;

namespace Contingious.Importer.Sources;

/// <summary>
/// <c>debian:SUITE[,PACKAGE…]</c>: mmdebstrap(1) installs a minimal Debian (its variant minbase) and packages with all that they need, from the host's own
/// package sources where they have the suite. What makes a real image on a host without a registry.
/// </summary>
/// <remarks>
/// The same packages give the same digest: nothing of the host and nothing of the time stays in the root. Files that were made just now get the time of the newest
/// file of any package's documentation, which the package's last change sets; files of packages keep their own, by which Python knows whether what it compiled is current.
/// </remarks>
internal sealed partial class DebianSource(string suite, IReadOnlyList<string> packages) : ImageSource
{
    private const int MostPackages = 1000;

    /// <summary>$1 is where the root is made, $2 the suite, $3 a file of package sources or nothing, the rest are options of mmdebstrap. The archive goes to standard output.</summary>
    private const string Script =
        """
        set -eu
        umask 022
        root=$1
        suite=$2
        sources=$3
        shift 3
        mmdebstrap "$@" "$suite" "$root" ${sources:+"$sources"} >&2
        cd "$root"
        # Devices belong to the sandbox; names, resolvers and package sources to the host.
        rm -rf dev etc/hostname etc/resolv.conf etc/apt/sources.list etc/apt/sources.list.d etc/apt/apt.conf.d/99mmdebstrap
        mkdir dev etc/apt/sources.list.d
        newest=$(find usr/share/doc -type f -printf '%T@\n' | sort -n | tail -n 1)
        newest=${newest%%.*}
        # The day of the last change of a password, which nobody has.
        for file in etc/shadow etc/shadow-; do
            [ ! -f "$file" ] || sed -i -E "s/^([^:]*:[^:]*):[0-9]+:/\1:$((newest / 86400)):/" "$file"
        done
        find . -newermt "@$newest" -exec touch --no-dereference --date="@$newest" {} +
        exec tar --create --sort=name --numeric-owner --format=pax --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
            --xattrs --xattrs-include='user.*' --xattrs-include=security.capability .
        """;

    /// <exception cref="RejectedRequestException">The suite or a package is not a name of one.</exception>
    public static DebianSource Parse(string text)
    {
        var parts = text.Split(',');
        if (!Suite().IsMatch(parts[0])) throw new RejectedRequestException("source", $"'{parts[0]}' is not a suite of Debian, such as bookworm.");
        var wrong = Array.Find(parts[1..], package => !Package().IsMatch(package));
        if (wrong is not null) throw new RejectedRequestException("source", $"'{wrong}' is not the name of a Debian package: those have lower-case letters, digits, '+', '-' and '.', with commas and no spaces between them.");
        if (parts.Length > MostPackages) throw new RejectedRequestException("source", $"There are {parts.Length - 1} packages; {MostPackages - 1} can be named.");
        return new DebianSource(parts[0], [.. parts[1..].Distinct().Order(StringComparer.Ordinal)]);
    }

    public override async Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        if (context.Platform is { } platform && !platform.Matches(Platform.Host)) throw new RejectedRequestException("platform", $"debian: makes images for this host, which is {Platform.Host}, and not for {platform}.");
        _ = ImageTool.Find("mmdebstrap");
        FetchedImage? fetched = null;
        await ImageTool.RunAsync(
            context.Staging,
            new ToolRequest("sh", ["-c", Script, "debian", .. await ArgumentsAsync(context.Staging, cancellation).ConfigureAwait(false)])
            {
                Title = "mmdebstrap",
                OnLine = line => Report(context.Progress, line),
                ReadOutput = async (output, stop) => fetched = await RootfsSpool.SpoolAsync(context, output, "root that mmdebstrap made", stop).ConfigureAwait(false),
            },
            cancellation).ConfigureAwait(false);
        return fetched ?? throw new InvalidImageException("mmdebstrap made nothing.");
    }

    private async Task<List<string>> ArgumentsAsync(StagingArea staging, CancellationToken cancellation)
    {
        var (sources, options) = ("", staging.PathOf("apt.conf"));
        if (AptConfiguration.SourcesOf(suite, AptConfiguration.HostDirectory) is { Length: > 0 } lines)
        {
            sources = staging.PathOf("debian.sources");
            await File.WriteAllTextAsync(sources, lines, cancellation).ConfigureAwait(false);
        }

        await File.WriteAllTextAsync(options, await AptConfiguration.OptionsAsync(cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
        var args = new List<string> { staging.PathOf("root"), suite, sources, "--mode=root", "--variant=minbase", "--format=directory", "--skip=output/dev,output/mknod", $"--aptopt={options}" };
        if (packages.Count > 0) args.Add($"--include={string.Join(',', packages)}");
        return args;
    }

    private static void Report(IProgress<string>? progress, string line)
    {
        const string note = "I: ";
        if (line.StartsWith(note, StringComparison.Ordinal)) progress?.Report($"mmdebstrap: {line[note.Length..]}");
    }

    [GeneratedRegex(@"\A[a-z][a-z0-9.-]{0,63}\z")]
    private static partial Regex Suite();

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9+.-]{1,127}\z")]
    private static partial Regex Package();
}
