using System.Runtime.InteropServices;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;
using Contingious.Engine.Sandboxes;
using Microsoft.Win32.SafeHandles;

namespace Contingious.Agent.Cli;

/// <summary>
/// Stands between somebody's terminal and a command in a sandbox, which never has a descriptor of that terminal: whoever
/// has one can write to it what he likes, read its keys and change its settings. Keys go in as they are; what comes out
/// is filtered on its way to a terminal (<see cref="TerminalFilter"/>).
/// </summary>
/// <param name="session">The command.</param>
/// <param name="own">The terminal that the runtime runs on, in place of the user's; nothing for pipes.</param>
internal sealed class ExecRelay(LiveSession session, PseudoTerminal? own) : IDisposable
{
    private const int Stdin = 0;
    private const int Stdout = 1;
    private const int Stderr = 2;
    private const int WindowChanged = 28; // SIGWINCH
    private const int Killed = 128 + 9;
    private const byte EndOfInput = 0x04; // what ^D types

    private static readonly TimeSpan drainPatience = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource broken = new();

    /// <summary>Whether any standard stream of this process is a terminal, or it has one that it cannot leave without ending others' use of it.</summary>
    public static bool IsNeeded => new[] { Stdin, Stdout, Stderr }.Any(RawTerminal.IsTerminal) || ControllingTerminal.IsLed;

    /// <summary>Runs it to its end.</summary>
    /// <returns>The command's exit code, or <see cref="ExitCodes.Ours"/> where the sandbox ended under it.</returns>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation, broken.Token);
        TakeSize();
        var program = await ProgramRunner.StartOnOwnThreadAsync(session.Program).ConfigureAwait(false);

        // Not before the program is started: .NET then remembers the terminal's settings, and puts them back at its own end.
        using var raw = own is null ? null : RawTerminal.Enter(Stdin);
        using var resized = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => Resize(program));
        using var resumed = PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ => raw?.Resume());
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, End);
        using var quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, End);
        var output = own is null
            ? Task.WhenAll(Show(program.Stdout, Stdout), Show(program.Stderr, Stderr))
            : Show(StreamOf(own.Master, FileAccess.Read), Stdout);
        _ = Task.Factory.StartNew(() => Type(own is null ? program.Stdin : StreamOf(own.Master, FileAccess.Write), isTerminal: raw is not null), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await program.WaitAsync(ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            program.Kill();
            await program.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            cancellation.ThrowIfCancellationRequested();
        }
        finally
        {
            // What the command left running ends with it, and then nobody holds its output any more.
            await session.EndAsync().ConfigureAwait(false);
            await Task.WhenAny(output, Task.Delay(drainPatience, CancellationToken.None)).ConfigureAwait(false);
        }

        if (program.ExitCode != Killed || !await session.IsContainerEndingAsync().ConfigureAwait(false)) return program.ExitCode;
        raw?.Dispose();
        await Console.Error.WriteLineAsync("contingious: the sandbox has ended").ConfigureAwait(false);
        return ExitCodes.Ours;
    }

    public void Dispose() => broken.Dispose();

    // A thread of its own for each direction: a terminal is read and written by calls that block.
    private Task Show(Stream from, int to) => Task.Factory.StartNew(
        () =>
        {
            var filter = own is not null || RawTerminal.IsTerminal(to) ? new TerminalFilter() : null;
            var buffer = new byte[16 << 10];
            using var shown = StreamOf(new SafeFileHandle(to, ownsHandle: false), FileAccess.Write);
            try
            {
                int read;
                while ((read = ReadOrEnd(from, buffer)) > 0) shown.Write(filter is null ? buffer.AsSpan(0, read) : filter.Pass(buffer.AsSpan(0, read)).Span);
                if (filter is not null) shown.Write(filter.Restore().Span);
            }
            catch (IOException)
            {
                // Nobody looks any more.
                Break();
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    private void Type(Stream to, bool isTerminal)
    {
        var buffer = new byte[4 << 10];
        try
        {
            using var typed = StreamOf(new SafeFileHandle(Stdin, ownsHandle: false), FileAccess.Read);
            int read;
            while ((read = ReadOrEnd(typed, buffer)) > 0)
            {
                to.Write(buffer, 0, read);
                to.Flush();
            }

            if (own is null) to.Dispose();
            else if (isTerminal) Break();
            else to.Write([EndOfInput]);
        }
        catch (IOException)
        {
            // The command reads no more of it.
        }
    }

    private void End(PosixSignalContext context)
    {
        context.Cancel = true;
        Break();
    }

    private void Break()
    {
        try
        {
            broken.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    // The kernel tells whoever is in the foreground of a terminal, and of this one nobody is. crun 1.8.1 does not pass it on.
    private void Resize(RunningProgram program)
    {
        TakeSize();
        if (own is not null) ProcessIdentity.Of(program.Pid)?.Signal(WindowChanged);
    }

    private void TakeSize()
    {
        foreach (var file in new[] { Stderr, Stdout, Stdin }.Where(RawTerminal.IsTerminal)) own?.TakeSizeOf(new SafeFileHandle(file, ownsHandle: false));
    }

    // Not the console's own streams: those edit lines, and set the terminal up for it.
    private static FileStream StreamOf(SafeFileHandle file, FileAccess access) => new(file, access, bufferSize: 0);

    // EIO: nobody is at a terminal's other end any more.
    private static int ReadOrEnd(Stream from, byte[] buffer)
    {
        try
        {
            return from.Read(buffer);
        }
        catch (IOException error) when (error.HResult == (int)Errno.EIO)
        {
            return 0;
        }
    }
}
