using System.ComponentModel;
using System.Diagnostics;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Engine.Programs;

/// <summary>An external program to run: its arguments are passed as they are, never through a shell.</summary>
public sealed record ProgramRequest(string Program, params IReadOnlyList<string> Args)
{
    /// <summary>The whole environment; nothing of ours is inherited.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = ProgramRunner.BareEnvironment;

    public string WorkingDirectory { get; init; } = "/";

    public ReadOnlyMemory<byte> Stdin { get; init; }
}

/// <summary>How a program ended, and what it said (each stream bounded to <see cref="ProgramRunner.MaxOutput"/> bytes).</summary>
public sealed record ProgramResult(int ExitCode, ReadOnlyMemory<byte> Stdout, ReadOnlyMemory<byte> Stderr)
{
    public string StdoutText => Encoding.UTF8.GetString(Stdout.Span);

    /// <summary>What a message can quote: standard error, trimmed.</summary>
    public string Complaint => Encoding.UTF8.GetString(Stderr.Span).Trim();
}

/// <summary>The only user of <see cref="Process"/>: every external program is started here.</summary>
public static class ProgramRunner
{
    public const int MaxOutput = 16 << 20;

    /// <summary>Where programs are looked for; the caller's own PATH has no say.</summary>
    internal const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>A search path and a locale, nothing of the caller's: no secret can leak to a child by inheritance.</summary>
    public static IReadOnlyDictionary<string, string> BareEnvironment { get; } =
        new Dictionary<string, string> { ["PATH"] = SearchPath, ["LC_ALL"] = "C.UTF-8" };

    /// <summary>The program's path as the search path finds it, or nothing where it is not installed.</summary>
    public static string? Find(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal)) return File.Exists(program) ? program : null;
        return SearchPath.Split(':').Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);
    }

    /// <summary>Runs a program to its end and collects its output. On cancellation it is killed and waited for.</summary>
    /// <exception cref="HostNotReadyException">The program is not installed.</exception>
    public static async Task<ProgramResult> RunAsync(ProgramRequest request, CancellationToken cancellation)
    {
        using var program = Start(request);
        var stdout = ReadBoundedAsync(program.Stdout, cancellation);
        var stderr = ReadBoundedAsync(program.Stderr, cancellation);
        try
        {
            await program.WriteStdinAsync(request.Stdin, cancellation).ConfigureAwait(false);
            await program.WaitAsync(cancellation).ConfigureAwait(false);
            return new ProgramResult(program.ExitCode, await stdout.ConfigureAwait(false), await stderr.ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            program.Kill();
            await program.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As <see cref="RunAsync"/>, and a non-zero exit is our fault to report.</summary>
    /// <exception cref="ContingiousException">It exited with another code than 0; the message quotes its standard error.</exception>
    public static async Task<ProgramResult> RequireAsync(ProgramRequest request, CancellationToken cancellation)
    {
        var result = await RunAsync(request, cancellation).ConfigureAwait(false);
        RequireSuccess(request, result);
        return result;
    }

    /// <exception cref="ContingiousException">The program failed; the message has what it said.</exception>
    public static void RequireSuccess(ProgramRequest request, ProgramResult result)
    {
        if (result.ExitCode != 0) throw new ContingiousException($"{string.Join(" ", request.Args.Take(1).Prepend(request.Program))} exited with {result.ExitCode}: {result.Complaint}");
    }

    /// <summary>Starts a program with pipes for its three streams.</summary>
    public static RunningProgram Start(ProgramRequest request)
    {
        var path = Find(request.Program)
            ?? throw new HostNotReadyException($"The program {request.Program} is not installed. 'contingious doctor' names the package it is in.");
        var start = new ProcessStartInfo(path)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = request.WorkingDirectory,
        };
        foreach (var argument in request.Args) start.ArgumentList.Add(argument);
        start.Environment.Clear();
        foreach (var (name, value) in request.Env) start.Environment[name] = value;
        try
        {
            return new RunningProgram(Process.Start(start) ?? throw new ContingiousException($"{path} did not start."));
        }
        catch (Win32Exception error)
        {
            throw new ContingiousException($"{path} cannot be started: {error.Message}", error);
        }
    }

    /// <summary>
    /// As <see cref="Start"/>, from a thread that stays until the program ends: for one that asks the kernel to die with its
    /// parent, by which prctl(2) means the thread that started it, and those of a pool come and go.
    /// </summary>
    public static Task<RunningProgram> StartOnOwnThreadAsync(ProgramRequest request)
    {
        var started = new TaskCompletionSource<RunningProgram>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Live()
        {
            try
            {
                var program = Start(request);
                started.SetResult(program);
                program.WaitAsync(CancellationToken.None).GetAwaiter().GetResult();
            }
            catch (ContingiousException error)
            {
                started.SetException(error);
            }
        }

        new Thread(Live) { IsBackground = true, Name = request.Program }.Start();
        return started.Task;
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBoundedAsync(Stream stream, CancellationToken cancellation)
    {
        using var kept = new MemoryStream();
        var buffer = new byte[16 << 10];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false)) > 0)
        {
            kept.Write(buffer, 0, (int)Math.Min(read, MaxOutput - kept.Length));
        }

        return kept.ToArray();
    }
}

/// <summary>A started program and its pipes.</summary>
public sealed class RunningProgram : IDisposable
{
    /// <summary>What an empty pipe takes without anybody waiting, be its owner short of room for pipes (pipe(7), PIPE_BUF).</summary>
    private const int Atomic = 4096;

    private readonly Process process;

    internal RunningProgram(Process process) => this.process = process;

    public int Pid => process.Id;

    public Stream Stdin => process.StandardInput.BaseStream;

    public Stream Stdout => process.StandardOutput.BaseStream;

    public Stream Stderr => process.StandardError.BaseStream;

    /// <summary>The reading end of its standard output, for whoever does not read it as a stream.</summary>
    public SafeHandle StdoutPipe => Pipe(Stdout);

    /// <summary>As <see cref="StdoutPipe"/>.</summary>
    public SafeHandle StderrPipe => Pipe(Stderr);

    public int ExitCode => process.ExitCode;

    public bool HasExited => process.HasExited;

    /// <summary>Waits for the process alone; its pipes may still be held by what it started.</summary>
    public Task WaitAsync(CancellationToken cancellation) => process.WaitForExitAsync(cancellation);

    /// <summary>Writes all of standard input and closes it. A reader that went away is no fault.</summary>
    public async Task WriteStdinAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        try
        {
            var stdin = process.StandardInput.BaseStream;
            await using (stdin.ConfigureAwait(false))
            {
                if (content.Length <= Atomic) stdin.Write(content.Span);
                else await stdin.WriteAsync(content, cancellation).ConfigureAwait(false);
            }
        }
        catch (IOException)
        {
            // EPIPE: the program does not read all of its input, which is its own business.
        }
    }

    /// <summary>Kills the process itself, not its descendants: those are a cgroup's to contain.</summary>
    public void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended already.
        }
    }

    public void Dispose()
    {
        // The process itself leaves them to the garbage collector once they were asked for.
        foreach (var pipe in new[] { Stdin, Stdout, Stderr }) pipe.Dispose();
        process.Dispose();
    }

    private static SafePipeHandle Pipe(Stream stream) => ((PipeStream)stream).SafePipeHandle;
}
