namespace Contingious.Importer.Sources;

/// <summary><c>rootfs-tar:FILE</c>, or <c>rootfs-tar:-</c> for standard input: a root as tar(1), debootstrap and <c>docker export</c> write it.</summary>
internal sealed class RootfsTarSource(string file) : ImageSource
{
    private const string StandardInput = "-";

    public override Task<FetchedImage> FetchAsync(FetchContext context, CancellationToken cancellation)
    {
        var (archive, what) = file == StandardInput ? (Console.OpenStandardInput(), "archive on standard input") : (SourceFile.Open(file), $"archive {file}");
        context.Progress?.Report($"reading the {what}");
        return RootfsSpool.SpoolAsync(context, archive, what, cancellation);
    }
}
