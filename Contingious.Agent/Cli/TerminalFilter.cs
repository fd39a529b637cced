using System.Buffers;

namespace Contingious.Agent.Cli;

/// <summary>
/// What a sandbox's program says, cut down to what is safe to show on somebody's own terminal: UTF-8 text, a few control
/// characters, and the sequences that move the cursor, colour, erase and scroll. What sets a title or the clipboard, makes the
/// terminal answer (which would be typed into the shell afterwards), or cannot be told, is dropped.
/// Sources: ECMA-48, and "XTerm Control Sequences" (ctlseqs).
/// </summary>
/// <remarks>
/// A stream may be cut anywhere between two calls. Only whole sequences are passed on, so the terminal is never inside one.
/// A sequence longer than <see cref="MaxSequence"/> bytes is dropped, and what follows is text; a string that nobody
/// ends (OSC, DCS, APC, PM, SOS) is given up after <see cref="MaxString"/> bytes, so nothing hides later output for ever.
/// The terminal must be one for UTF-8, where the bytes 0x80 to 0x9f within a character are no controls.
/// </remarks>
internal sealed class TerminalFilter
{
    /// <summary>The longest sequence that is passed on, in bytes, its ESC included.</summary>
    public const int MaxSequence = 64;

    /// <summary>The most bytes of a string that are waited through for its end.</summary>
    public const int MaxString = 4096;

    private const byte Esc = 0x1B;
    private const byte Bell = 0x07;
    private const byte Cancel = 0x18;
    private const byte Substitute = 0x1A;

    // Those that a program's end has to take back: what they change would outlive it.
    private static readonly (int Mode, bool Usual)[] modes = [(1, false), (7, true), (25, true), (1049, false), (2004, false)];

    private static readonly SearchValues<byte> numbers = SearchValues.Create("0123456789;"u8);
    private static readonly SearchValues<byte> colour = SearchValues.Create("0123456789;:"u8);

    private readonly ArrayBufferWriter<byte> passed = new();
    private readonly byte[] held = new byte[MaxSequence];
    private readonly HashSet<int> changed = [];
    private State state;
    private int length;
    private int missing;
    private int swallowed;
    private bool region;
    private bool charset;
    private bool coloured;

    private enum State
    {
        Text,
        Character,
        Escape,
        Intermediate,
        Control,
        String,
        StringEscape,
        Skip,
    }

    /// <summary>Takes the next bytes of the stream.</summary>
    /// <returns>What may be shown of them and of what was held back before. Valid until the next call.</returns>
    public ReadOnlyMemory<byte> Pass(ReadOnlySpan<byte> bytes)
    {
        passed.ResetWrittenCount();
        foreach (var next in bytes) Take(next);
        return passed.WrittenMemory;
    }

    /// <summary>What puts the terminal's modes back that were changed by what was passed on. Valid until the next call.</summary>
    public ReadOnlyMemory<byte> Restore()
    {
        passed.ResetWrittenCount();
        foreach (var (mode, usual) in modes)
        {
            if (changed.Remove(mode)) passed.Write(System.Text.Encoding.ASCII.GetBytes($"\e[?{mode}{(usual ? 'h' : 'l')}"));
        }

        // Taking back the region moves the cursor home.
        if (region) passed.Write("\e7\e[r\e8"u8);
        if (charset) passed.Write("\e(B"u8);
        if (coloured) passed.Write("\e[0m"u8);
        (state, region, charset, coloured) = (State.Text, false, false, false);
        return passed.WrittenMemory;
    }

    private void Take(byte next)
    {
        switch (state)
        {
            case State.Text:
                TakeText(next);
                break;
            case State.Character:
                TakeRest(next);
                break;
            case State.Escape:
                TakeEscape(next);
                break;
            case State.Intermediate:
                TakeIntermediate(next);
                break;
            case State.Control:
                TakeControl(next);
                break;
            case State.String:
                TakeString(next);
                break;
            case State.StringEscape:
                // ESC \ ends it; another sequence that begins there ends it too.
                if (next == (byte)'\\') state = State.Text;
                else Again(State.Escape, next);
                break;
            case State.Skip:
                state = State.Text;
                if (next < 0x20) TakeText(next);
                break;
            default:
                throw new InvalidOperationException($"{state} is not a state.");
        }
    }

    private void TakeText(byte next)
    {
        if (next is >= 0x20 and < 0x7F or (byte)'\r' or (byte)'\n' or (byte)'\t' or (byte)'\b' or Bell) passed.Write([next]);
        else if (next == Esc) Begin(State.Escape, next);
        else if (next is >= 0xC2 and <= 0xF4)
        {
            missing = next < 0xE0 ? 1 : next < 0xF0 ? 2 : 3;
            Begin(State.Character, next);
        }
        else if (next >= 0x80) passed.Write("\ufffd"u8);
    }

    private void TakeRest(byte next)
    {
        if (next is < 0x80 or > 0xBF)
        {
            passed.Write("\ufffd"u8);
            Again(State.Text, next);
            return;
        }

        Hold(next);
        if (--missing > 0) return;
        state = State.Text;
        var character = held.AsSpan(0, length);
        if (System.Text.Rune.DecodeFromUtf8(character, out var rune, out var used) != OperationStatus.Done || used != length) passed.Write("\ufffd"u8);
        else if (rune.Value > 0x9F) passed.Write(character);
    }

    private void TakeEscape(byte next)
    {
        switch (next)
        {
            case (byte)'[':
                Hold(next);
                state = State.Control;
                break;
            case (byte)']' or (byte)'P' or (byte)'_' or (byte)'^' or (byte)'X' or (byte)'k':
                swallowed = 0;
                state = State.String;
                break;
            case (byte)'7' or (byte)'8' or (byte)'M' or (byte)'D' or (byte)'E' or (byte)'H':
                Hold(next);
                PassHeld();
                break;
            case (byte)'N' or (byte)'O':
                state = State.Skip;
                break;
            case >= 0x20 and < 0x30:
                Hold(next);
                state = State.Intermediate;
                break;
            case Esc:
                Begin(State.Escape, next);
                break;
            case < 0x20 or >= 0x80:
                Again(State.Text, next);
                break;
            default:
                state = State.Text;
                break;
        }
    }

    private void TakeIntermediate(byte next)
    {
        if (next is < 0x20 or >= 0x7F)
        {
            Again(State.Text, next);
            return;
        }

        if (!Hold(next)) return;
        if (next < 0x30) return;
        state = State.Text;
        if (!held.AsSpan(0, length).SequenceEqual("\e(0"u8) && !held.AsSpan(0, length).SequenceEqual("\e(B"u8)) return;
        charset = next == (byte)'0';
        PassHeld();
    }

    private void TakeControl(byte next)
    {
        if (next is < 0x20 or >= 0x7F)
        {
            Again(State.Text, next);
            return;
        }

        if (!Hold(next) || next < 0x40) return;
        state = State.Text;
        if (IsSafe(held.AsSpan(2, length - 3), (char)next)) PassHeld();
    }

    private void TakeString(byte next)
    {
        if (next == Esc) state = State.StringEscape;
        else if (next is Bell or Cancel or Substitute || ++swallowed >= MaxString) state = State.Text;
    }

    private bool IsSafe(ReadOnlySpan<byte> parameters, char final)
    {
        var isMode = final is 'h' or 'l';
        if (isMode && (parameters.Length == 0 || parameters[0] != (byte)'?')) return false;
        if (isMode) return IsSafeMode(parameters[1..], set: final == 'h');
        if (final == 'm')
        {
            coloured = true;
            return !parameters.ContainsAnyExcept(colour);
        }

        if (parameters.ContainsAnyExcept(numbers)) return false;
        switch (final)
        {
            case 'A' or 'B' or 'C' or 'D' or 'E' or 'F' or 'G' or 'H' or 'd' or 'f' or 'I' or 'Z' or 'J' or 'K' or 'L' or 'M' or '@' or 'P' or 'X' or 'g':
                return true;
            case 'r':
                region = true;
                return true;
            // With more numbers it is the mouse's, not the scroll's; with any, the margins' and not the cursor's.
            case 'S' or 'T':
                return !parameters.Contains((byte)';');
            case 's' or 'u':
                return parameters.IsEmpty;
            default:
                return false;
        }
    }

    private bool IsSafeMode(ReadOnlySpan<byte> parameters, bool set)
    {
        var wanted = new List<(int Mode, bool Usual)>();
        foreach (var range in parameters.Split((byte)';'))
        {
            if (!int.TryParse(parameters[range], System.Globalization.NumberStyles.None, null, out var number)) return false;
            var known = Array.FindIndex(modes, mode => mode.Mode == number);
            if (known < 0) return false;
            wanted.Add(modes[known]);
        }

        foreach (var (mode, usual) in wanted)
        {
            if (set != usual) changed.Add(mode);
            else changed.Remove(mode);
        }

        return true;
    }

    private void Begin(State sequence, byte first)
    {
        state = sequence;
        length = 0;
        Hold(first);
    }

    // What was held is dropped, and the byte is looked at anew.
    private void Again(State from, byte next)
    {
        Begin(from, Esc);
        Take(next);
    }

    private bool Hold(byte next)
    {
        if (length == MaxSequence)
        {
            state = State.Text;
            return false;
        }

        held[length++] = next;
        return true;
    }

    private void PassHeld()
    {
        passed.Write(held.AsSpan(0, length));
        state = State.Text;
    }
}
