using System.Runtime.InteropServices;

namespace Contingious.Engine.Linux;

/// <summary>The calls of liblzma that are needed (lzma/base.h, lzma/container.h); always there on Debian, whose dpkg needs it.</summary>
internal static unsafe partial class Lzma
{
    private const string Name = "liblzma.so.5";

    /// <summary>LZMA_TELL_UNSUPPORTED_CHECK: content that cannot be checked is not content to trust.</summary>
    public const uint TellUnsupportedCheck = 0x02;

    /// <summary>LZMA_CONCATENATED.</summary>
    public const uint Concatenated = 0x08;

    /// <summary>lzma_stream of lzma/base.h on 64-bit systems; the reserved fields are zeros.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 136)]
    public struct Coder
    {
        public byte* NextIn;
        public nuint AvailableIn;
        public ulong TotalIn;
        public byte* NextOut;
        public nuint AvailableOut;
        public ulong TotalOut;
        public nint Allocator;
        public nint Internal;
    }

    public enum Action
    {
        Run = 0,
        Finish = 3,
    }

    /// <summary>lzma_ret of lzma/base.h.</summary>
    public enum Result
    {
        Ok = 0,
        StreamEnd = 1,
        NoCheck = 2,
        UnsupportedCheck = 3,
        GetCheck = 4,
        NoMemory = 5,
        MemoryLimit = 6,
        NotXz = 7,
        UnsupportedOptions = 8,
        Damaged = 9,
        NoProgress = 10,
        WrongUse = 11,
    }

    [LibraryImport(Name, EntryPoint = "lzma_stream_decoder")]
    public static partial Result StreamDecoder(Coder* coder, ulong memoryLimit, uint flags);

    [LibraryImport(Name, EntryPoint = "lzma_code")]
    public static partial Result Code(Coder* coder, Action action);

    [LibraryImport(Name, EntryPoint = "lzma_end")]
    public static partial void End(Coder* coder);
}

/// <summary>An lzma_stream: it stays where it is, and is ended with the handle.</summary>
internal sealed unsafe class LzmaCoder : SafeHandle
{
    public LzmaCoder()
        : base(0, ownsHandle: true) => SetHandle((nint)NativeMemory.AllocZeroed((nuint)sizeof(Lzma.Coder)));

    public override bool IsInvalid => handle == 0;

    public Lzma.Coder* Pointer => (Lzma.Coder*)handle;

    protected override bool ReleaseHandle()
    {
        // What was never begun (the library may be missing) has nothing to end.
        if (Pointer->Internal != 0) Lzma.End(Pointer);
        NativeMemory.Free(Pointer);
        return true;
    }
}
