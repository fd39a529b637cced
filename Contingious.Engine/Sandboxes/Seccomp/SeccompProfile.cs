using System.Runtime.InteropServices;
using System.Text.Json;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes.Seccomp;

/// <summary>
/// The system calls that a container may make, as <c>linux.seccomp</c> of config.json.
/// <para>
/// What is not named answers ENOSYS, as a kernel would that is older than the call: C libraries and language runtimes
/// carry a fallback for that, and for nothing else. What is known to be dangerous answers EPERM (<see cref="RefusedCalls"/>).
/// A call of another architecture (i386's <c>int 0x80</c>, x32) kills the thread with SIGSYS: libseccomp's fixed answer.
/// </para>
/// <para>
/// It is the same for root in the container: capabilities say what that may do besides; no capability opens the filter.
/// docs/decisions/0005-seccomp.md says why and what it costs.
/// </para>
/// </summary>
/// <remarks>
/// OCI runtime-spec 1.0, config-linux.md#seccomp; seccomp(2); seccomp_rule_add(3); syscalls(2).
/// crun loads the filter last before exec where noNewPrivileges is set, and again for every <c>crun exec</c>.
/// A name that its libseccomp does not know is left out (the call is then ENOSYS), and one that the architecture has not.
/// </remarks>
internal static class SeccompProfile
{
    private static readonly IReadOnlyList<SyscallRule> rules =
    [
        SyscallRule.Allow(AllowedCalls.Names),
        SyscallRule.Refuse(Errno.EPERM, RefusedCalls.Names),
        SyscallRule.Pretend(RefusedCalls.PretendedNames),
        .. ExaminedCalls.Rules,
    ];

    /// <summary>Writes the property <c>seccomp</c> into the object <c>linux</c>.</summary>
    /// <exception cref="PlatformNotSupportedException">This machine is neither amd64 nor arm64: the list was thought over for those two.</exception>
    public static void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("seccomp");
        json.WriteString("defaultAction", "SCMP_ACT_ERRNO");
        json.WriteNumber("defaultErrnoRet", (int)Errno.ENOSYS);
        json.WriteStartArray("architectures");
        json.WriteStringValue(ArchitectureOf(RuntimeInformation.ProcessArchitecture));
        json.WriteEndArray();
        json.WriteStartArray("syscalls");
        foreach (var rule in rules) rule.Write(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    // The native one alone: no second table of system calls (i386, x32, 32-bit ARM) is reachable.
    internal static string ArchitectureOf(Architecture architecture) => architecture switch
    {
        Architecture.X64 => "SCMP_ARCH_X86_64",
        Architecture.Arm64 => "SCMP_ARCH_AARCH64",
        _ => throw new PlatformNotSupportedException($"There is no seccomp profile for {architecture}: sandboxes run on amd64 and arm64."),
    };
}
