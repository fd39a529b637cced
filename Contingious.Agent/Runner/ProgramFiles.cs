using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Contingious.Agent.Runner;

/// <summary>
/// The files of this program. .NET opens most of them when they are first needed, and an upgrade replaces them under a process that runs: it would go on with parts of
/// another version, or end over it. So a process that is to outlive an upgrade loads beforehand what it may need.
/// </summary>
internal static class ProgramFiles
{
    /// <summary>The parts that only an agent needs: its web server and its broker.</summary>
    private static readonly string[] ofAgents = ["Microsoft.AspNetCore", "RabbitMQ"];

    /// <summary>Of the runtime's own, those that are opened by name when first used.</summary>
    private static readonly string[] native = ["libSystem.IO.Compression.Native.so", "libSystem.Net.Security.Native.so", "libSystem.Security.Cryptography.Native.OpenSsl.so"];

    /// <summary>Loads what an agent may need.</summary>
    public static void LoadForAgent() => Load(_ => true);

    /// <summary>Loads what a runner may need.</summary>
    public static void LoadForRunner() => Load(name => !ofAgents.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)));

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "What was trimmed away is not needed either: a reference that cannot be found is passed over.")]
    private static void Load(Func<string, bool> isWanted)
    {
        // A native program has all of them in its one file, which it keeps.
        if (!RuntimeFeature.IsDynamicCodeSupported) return;

        var known = new HashSet<string>(StringComparer.Ordinal);
        var left = new Queue<Assembly>([typeof(ProgramFiles).Assembly]);
        while (left.TryDequeue(out var assembly))
        {
            foreach (var reference in assembly.GetReferencedAssemblies())
            {
                if (reference.Name is { } name && isWanted(name) && known.Add(name) && TryLoad(reference) is { } loaded) left.Enqueue(loaded);
            }
        }

        // In a self-contained program they lie beside it; else the runtime's own directory has its version in its name.
        foreach (var path in native.Select(file => Path.Combine(AppContext.BaseDirectory, file)).Where(File.Exists)) _ = NativeLibrary.TryLoad(path, out _);
    }

    private static Assembly? TryLoad(AssemblyName name)
    {
        try
        {
            return Assembly.Load(name);
        }
        catch (Exception error) when (error is IOException or BadImageFormatException)
        {
            // References of parts that are for another system.
            return null;
        }
    }
}
