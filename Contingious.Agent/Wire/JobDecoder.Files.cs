using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

internal ref partial struct JobDecoder
{
    private static readonly MapKeys FileKeys = new(["path", "content"], ["executable"]);
    private static readonly MapKeys ArchiveKeys = new(["content"], ["path"]);

    private List<InputFile> ReadFiles()
    {
        var files = new List<InputFile>();
        var count = reader.BeginArray(0, WireFormat.MaxFiles);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            files.Add(ReadFile());
            reader.Leave();
        }

        return files;
    }

    private InputFile ReadFile()
    {
        var file = new InputFile("", default);
        var map = reader.BeginMap(FileKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "path": file = file with { Path = ReadNative(path => FieldRules.FilePath(path)) }; break;
                case "content": file = file with { Content = ReadFileContent() }; break;
                case "executable": file = file with { Executable = reader.ReadBool() }; break;
            }
        }

        return file;
    }

    private ReadOnlyMemory<byte> ReadFileContent()
    {
        var content = reader.ReadBinary();
        fileBytes += content.Length;
        reader.Require(fileBytes <= WireFormat.MaxFileBytes.Bytes, $"The files of the job up to here are larger than {WireFormat.MaxFileBytes} together.");
        return content;
    }

    private void ReadArchives(List<InputFile> unpacked)
    {
        var count = reader.BeginArray(0, WireFormat.MaxArchives);
        for (var i = 0; i < count; i++)
        {
            reader.EnterItem(i);
            var (content, directory) = ReadArchive();
            unpacked.AddRange(inputArchive.Expand(content, directory));
            reader.Leave();
        }
    }

    private (ReadOnlyMemory<byte> Content, string Directory) ReadArchive()
    {
        var content = ReadOnlyMemory<byte>.Empty;
        var directory = "";
        var map = reader.BeginMap(ArchiveKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "content": content = reader.ReadBinary(); break;
                case "path": directory = ReadNative(path => FieldRules.DirectoryPath(path)); break;
            }
        }

        return (content, directory);
    }
}
