using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The calls of libzstd that are needed (zstd.h); always there on Debian, whose dpkg needs it.</summary>
internal static unsafe partial class Zstd
{
    private const string Name = "libzstd.so.1";

    /// <summary>ZSTD_d_windowLogMax.</summary>
    public const int WindowLogMax = 100;

    [StructLayout(LayoutKind.Sequential)]
    public struct InBuffer
    {
        public byte* Source;
        public nuint Size;
        public nuint Position;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct OutBuffer
    {
        public byte* Destination;
        public nuint Size;
        public nuint Position;
    }

    [LibraryImport(Name, EntryPoint = "ZSTD_createDCtx")]
    public static partial nint CreateContext();

    [LibraryImport(Name, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeContext(nint context);

    [LibraryImport(Name, EntryPoint = "ZSTD_DCtx_setParameter")]
    public static partial nuint SetParameter(ZstdContext context, int parameter, int value);

    [LibraryImport(Name, EntryPoint = "ZSTD_decompressStream")]
    public static partial nuint Decompress(ZstdContext context, OutBuffer* output, InBuffer* input);

    [LibraryImport(Name, EntryPoint = "ZSTD_isError")]
    public static partial uint IsError(nuint code);

    [LibraryImport(Name, EntryPoint = "ZSTD_getErrorName")]
    public static partial byte* ErrorName(nuint code);
}

/// <summary>A ZSTD_DCtx.</summary>
internal sealed class ZstdContext : SafeHandle
{
    /// <exception cref="DllNotFoundException">The library is not installed.</exception>
    public ZstdContext()
        : base(0, ownsHandle: true) => SetHandle(Zstd.CreateContext());

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => Zstd.FreeContext(handle) == 0;
}
