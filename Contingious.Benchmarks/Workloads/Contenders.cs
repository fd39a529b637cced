namespace Contingious.Benchmarks.Workloads;

/// <summary>The contenders' names, as samples and report have them.</summary>
internal static class Contenders
{
    public const string Ours = "contingious";
    public const string Step = "contingious, a step's own command";
    public const string Overlay = "contingious, overlay";
    public const string OnDisk = "contingious, on disk";
    public const string OverlayOnDisk = "contingious, overlay on disk";
    public const string Podman = "podman, root";
    public const string Rootless = "podman, rootless";
    public const string NativeInMemory = "native, in memory";
    public const string NativeOnDisk = "native, on disk";

    public static IReadOnlyList<string> All { get; } = [Ours, Step, Overlay, OnDisk, OverlayOnDisk, Podman, Rootless, NativeInMemory, NativeOnDisk];
}
