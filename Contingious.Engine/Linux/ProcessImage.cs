using System.Collections;
using System.Text;

namespace Contingious.Engine.Linux;

/// <summary>Replacing this process by another program (execve(2)).</summary>
public static unsafe class ProcessImage
{
    /// <summary>Becomes another program, with standard streams kept and every other descriptor closed. Returns only by failing.</summary>
    /// <param name="path">The program.</param>
    /// <param name="args">Its arguments, without its name.</param>
    /// <param name="env">Its whole environment.</param>
    /// <param name="kept">A descriptor that stays open too, under its number.</param>
    /// <exception cref="LinuxException">The program cannot be executed.</exception>
    public static LinuxException Replace(string path, IReadOnlyList<string> args, IReadOnlyDictionary<string, string> env, MemoryFile? kept = null)
    {
        const uint closeOnExec = 4;
        const int brokenPipe = 13;
        DiagnosticFiles.Remove();
        _ = Libc.SyscallCloseRange(Libc.SysCloseRange, 3, uint.MaxValue, closeOnExec);
        if (kept is not null && Libc.Fcntl(kept.Handle, Libc.FSetFd, 0) != 0) return LinuxException.Last("fcntl", kept.Path);

        // The runtime ignores it, and what is ignored stays so: a program such as cat is to end where nobody reads any more.
        _ = Libc.Signal(brokenPipe, 0);
        var argv = Strings(args.Prepend(path));
        var envp = Strings(env.Select(entry => $"{entry.Key}={entry.Value}"));
        fixed (byte* program = NativePath.Terminated(path))
        {
            _ = Libc.Execve(program, argv, envp);
        }

        return LinuxException.Last("execve", path);
    }

    /// <summary>This process's environment.</summary>
    public static Dictionary<string, string> Environment()
    {
        var env = new Dictionary<string, string>();
        foreach (DictionaryEntry entry in System.Environment.GetEnvironmentVariables())
        {
            env[(string)entry.Key] = (string?)entry.Value ?? "";
        }

        return env;
    }

    // Not freed: the process is replaced, or ends with the error.
    private static byte** Strings(IEnumerable<string> strings)
    {
        var list = strings.ToList();
        var array = (byte**)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)(list.Count + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < list.Count; i++)
        {
            var bytes = NativePath.Terminated(NativeText.Bytes(list[i]));
            array[i] = (byte*)System.Runtime.InteropServices.NativeMemory.Alloc((nuint)bytes.Length);
            bytes.CopyTo(new Span<byte>(array[i], bytes.Length));
        }

        return array;
    }
}
