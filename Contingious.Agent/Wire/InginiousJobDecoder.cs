using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Contingious.Engine.Model;

namespace Contingious.Agent.Wire;

internal ref struct InginiousJobDecoder(ReadOnlyMemory<byte> message, FieldPath path)
{
    private const int MaxId = 1_024;
    private const string FilePrefix = "/.__input/__inputfile_";

    // All of them have to be there; those that may be nil are not "required", which asks for a value.
    private static readonly MapKeys JobKeys = new(
        ["@type", "job_id", "inputdata", "environment_type", "environment", "environment_parameters", "debug"],
        ["course_id", "task_id", "task_problems", "priority", "launcher"])
    { IsClosed = true };

    private static readonly MapKeys ParameterKeys = new([], ["limits", "network_grading", "run_cmd"]);
    private static readonly MapKeys LimitKeys = new([], ["time", "hard_time", "memory", "disk"]);
    private static readonly MapKeys FileKeys = new(["filename", "value"], []) { IsClosed = true };

    // Python's json reads it, no browser does: letters of other languages may stay what they are.
    private static readonly JsonWriterOptions asFile = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly List<InputFile> files = [];
    private WireReader reader = new(message, path);
    private string state = "";
    private long fileBytes;

    public InginiousJob Read()
    {
        var job = new InginiousJob { JobId = "", EnvironmentType = "", Environment = "", InputJson = default };
        var type = "";
        var map = reader.BeginMap(JobKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "@type": type = reader.ReadString(MaxId); break;
                case "job_id": job = job with { JobId = reader.ReadString(MaxId) }; break;
                case "course_id": job = job with { CourseId = reader.ReadString(MaxId) }; break;
                case "task_id": job = job with { TaskId = reader.ReadString(MaxId) }; break;
                case "inputdata": job = job with { InputJson = ReadInput() }; break;
                case "environment_type": job = job with { EnvironmentType = reader.ReadString(MaxId) }; break;
                case "environment": job = job with { Environment = reader.ReadString(MaxId) }; break;
                case "environment_parameters": job = job with { Parameters = ReadParameters() }; break;
                case "debug": job = job with { Debug = ReadDebug() }; break;
                // What the grader sees of the task is in its files; who asks and how urgently is said by the queue.
                case "task_problems" or "priority" or "launcher": reader.Skip(); break;
            }
        }

        reader.Require(reader.IsAtEnd, "Bytes follow the end of the job.");
        var fromClient = type == "ClientNewJob";
        reader.Require(fromClient || type == "BackendNewJob", $"It is a {Escaped.Quote(type)}; BackendNewJob and ClientNewJob are jobs.");
        foreach (var field in (ReadOnlySpan<string>)["course_id", "task_id", "task_problems"]) reader.Require(map.Has(field), $"The field {field} is missing.");
        foreach (var field in (ReadOnlySpan<string>)["priority", "launcher"]) reader.Require(map.Has(field) == fromClient, $"A {type} {(fromClient ? "has" : "does not have")} the field {field}.");
        return job with { Files = files, State = state };
    }

    private InginiousDebug ReadDebug()
    {
        if (reader.PeekKind() == MessagePackKind.Bool) return reader.ReadBool() ? InginiousDebug.On : InginiousDebug.Off;
        var text = reader.ReadString(MaxId);
        return text == "ssh" ? InginiousDebug.Ssh : throw reader.Failure($"It is {Escaped.Quote(text)}; true, false and 'ssh' are allowed.");
    }

    private InginiousParameters ReadParameters()
    {
        var parameters = new InginiousParameters();
        var map = reader.BeginMap(ParameterKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            switch (key)
            {
                case "limits": parameters = ReadLimits(parameters); break;
                case "network_grading": parameters = parameters with { NetworkGrading = reader.ReadBool() }; break;
                case "run_cmd": parameters = parameters with { RunCommand = reader.ReadString(WireFormat.MaxText) }; break;
            }
        }

        return parameters;
    }

    private InginiousParameters ReadLimits(InginiousParameters parameters)
    {
        var map = reader.BeginMap(LimitKeys);
        while (reader.NextKey(ref map) is { } key)
        {
            var value = ReadLimit();
            parameters = key switch
            {
                "time" => parameters with { Time = value },
                "hard_time" => parameters with { HardTime = value },
                "memory" => parameters with { Memory = value },
                _ => parameters with { Disk = value },
            };
        }

        return parameters;
    }

    /// <summary>As INGInious's <c>int()</c> takes them: a whole number, a float whose fraction is cut, or text of digits.</summary>
    private long ReadLimit()
    {
        const long most = 1_000_000_000;
        var kind = reader.PeekKind();
        if (kind == MessagePackKind.Integer) return reader.ReadInt64(0, most);
        if (kind == MessagePackKind.Float)
        {
            var number = reader.ReadDouble();
            reader.Require(number is >= 0 and <= most, $"It is {number:R}; 0 to {most:N0} is allowed.");
            return (long)number;
        }

        var text = reader.ReadString(MaxId);
        return long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= most
            ? value
            : throw reader.Failure($"It is {Escaped.Quote(text)}, which is no number of 0 to {most:N0}.");
    }

    /// <summary>All of <c>inputdata</c> as JSON; answers that are files go beside it, and their place stands for their bytes.</summary>
    private ReadOnlyMemory<byte> ReadInput()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer, asFile))
        {
            var count = reader.ReadMapHeader();
            json.WriteStartObject();
            for (var i = 0; i < count; i++)
            {
                var name = reader.ReadString(WireFormat.MaxText);
                reader.EnterKey(Escaped.Quote(name));
                json.WritePropertyName(name);
                if (reader.IsMapOf(FileKeys)) WriteFile(json);
                else if (name == "@state" && reader.PeekKind() == MessagePackKind.Text) json.WriteStringValue(state = reader.ReadString(WireFormat.MaxText));
                else MessagePackJson.Copy(ref reader, json);
                reader.Leave();
            }

            json.WriteEndObject();
        }

        reader.Require(buffer.WrittenCount + fileBytes <= WireFormat.MaxFileBytes.Bytes, $"As JSON it has {buffer.WrittenCount:N0} bytes, which is more than the {WireFormat.MaxFileBytes} that a job's files may have together.");
        return buffer.WrittenMemory;
    }

    private void WriteFile(Utf8JsonWriter json)
    {
        var place = $"{FilePrefix}{files.Count}";
        var map = reader.BeginMap(FileKeys);
        json.WriteStartObject();
        while (reader.NextKey(ref map) is { } key)
        {
            if (key == "filename")
            {
                json.WriteString("filename", reader.ReadString(WireFormat.MaxText));
                continue;
            }

            var content = reader.ReadBinary();
            fileBytes += content.Length;
            reader.Require(files.Count < WireFormat.MaxFiles && fileBytes <= WireFormat.MaxFileBytes.Bytes, $"The files up to here are more than {WireFormat.MaxFiles:N0}, or larger than {WireFormat.MaxFileBytes} together.");
            files.Add(new InputFile(place, content));
            json.WriteString("value", place);
        }

        json.WriteEndObject();
    }
}
