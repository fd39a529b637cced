using Contingious.Engine.Linux;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

internal ref partial struct JobDecoder
{
    private static readonly MapKeys StepKeys = new([], ["name", "args", "env", "cwd", "user", "stdin", "files", "limits", "image", "when", "fresh"]);

    private void ReadSteps(List<(StepRequest Step, GivenLimits? Limits)> steps)
    {
        var count = reader.BeginArray(1, WireFormat.MaxSteps);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            steps.Add(ReadStep($"step-{i + 1}"));
            reader.Leave();
        }
    }

    private (StepRequest Step, GivenLimits? Limits) ReadStep(string defaultName)
    {
        var step = new StepRequest { Name = defaultName };
        GivenLimits? limits = null;
        var map = reader.BeginMap(StepKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "name": step = step with { Name = ReadText(FieldRules.StepName) }; break;
                case "args": step = step with { Args = ReadArgs() }; break;
                case "env": step = step with { Env = ReadEnv() }; break;
                case "cwd": step = step with { WorkingDirectory = ReadNative(FieldRules.WorkingDirectory) }; break;
                case "user": step = step with { User = ReadText(FieldRules.User) }; break;
                case "stdin": step = step with { Stdin = ReadStdin() }; break;
                case "files": step = step with { Files = ReadFiles() }; break;
                case "limits": limits = GivenLimits.Read(ref reader, policy); break;
                case "image": step = step with { Image = ReadText(FieldRules.Image) }; break;
                case "when": step = step with { When = ReadName<StepCondition>() }; break;
                case "fresh": step = step with { Fresh = reader.ReadBool() }; break;
            }
        }

        return (step, limits);
    }

    private List<string> ReadArgs()
    {
        var args = new List<string>();
        var bytes = 0L;
        var count = reader.BeginArray(0, WireFormat.MaxArgs);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            args.Add(ReadNative(FieldRules.Argument));
            bytes += NativeText.ByteCount(args[i]) + 1;
            reader.Require(bytes <= WireFormat.MaxArgBytes.Bytes, $"The arguments up to here are larger than {WireFormat.MaxArgBytes}; put large input into a file or stdin.");
            reader.Leave();
        }

        reader.Require(args.Count == 0 || args[0].Length > 0, "The program, the first argument, is empty.");
        return args;
    }

    private Dictionary<string, string> ReadEnv()
    {
        var env = new Dictionary<string, string>(StringComparer.Ordinal);
        var bytes = 0L;
        var count = reader.ReadMapHeader();
        reader.Require(count <= WireFormat.MaxEnv, $"It has {count:N0} entries; at most {WireFormat.MaxEnv:N0} are allowed.");
        for (var i = 0; i < count; i++)
        {
            var name = ReadText(FieldRules.EnvName);
            reader.EnterKey(IsPlain(name) ? name : Escaped.Quote(name));
            var value = ReadNative(FieldRules.EnvValue);
            reader.Require(env.TryAdd(name, value), "The name is given twice.");
            bytes += NativeText.ByteCount(name) + NativeText.ByteCount(value) + 2;
            reader.Require(bytes <= WireFormat.MaxArgBytes.Bytes, $"The environment up to here is larger than {WireFormat.MaxArgBytes}.");
            reader.Leave();
        }

        return env;
    }

    private static bool IsPlain(string name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_') return false;
        }

        return true;
    }

    private ReadOnlyMemory<byte> ReadStdin()
    {
        var stdin = reader.ReadBinary();
        reader.Require(stdin.Length <= WireFormat.MaxStdin.Bytes, $"It has {stdin.Length:N0} bytes; {WireFormat.MaxStdin} are allowed.");
        return stdin;
    }
}
