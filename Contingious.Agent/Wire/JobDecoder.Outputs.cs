using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

internal ref partial struct JobDecoder
{
    private static readonly MapKeys OutputLimitKeys = new([], ["file_bytes", "total_bytes", "files", "depth"]);

    private void ReadOutputs(List<string> outputs)
    {
        var count = reader.BeginArray(0, WireFormat.MaxOutputs);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            outputs.Add(ReadNative(glob => FieldRules.DirectoryPath(glob)));
            reader.Leave();
        }
    }

    private OutputLimits ReadOutputLimits()
    {
        var most = policy.MostOutputs;
        var limits = OutputLimits.Default;
        var map = reader.BeginMap(OutputLimitKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "file_bytes": limits = limits with { FileBytes = new ByteSize(reader.ReadInt64(0, most.FileBytes.Bytes)) }; break;
                case "total_bytes": limits = limits with { TotalBytes = new ByteSize(reader.ReadInt64(0, most.TotalBytes.Bytes)) }; break;
                case "files": limits = limits with { Files = (int)reader.ReadInt64(0, most.Files) }; break;
                case "depth": limits = limits with { Depth = (int)reader.ReadInt64(0, most.Depth) }; break;
            }
        }

        return limits;
    }
}
