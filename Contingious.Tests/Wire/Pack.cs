using Contingious.Agent.Wire;

namespace Contingious.Tests.Wire;

/// <summary>Writes whatever a sender may send, right or wrong.</summary>
internal static class Pack
{
    public static byte[] Map(params (object? Key, object? Value)[] entries) => Value(new Entries(entries));

    public static Entries M(params (object? Key, object? Value)[] entries) => new(entries);

    public static byte[] Value(object? value)
    {
        var writer = new MessagePackWriter();
        Write(writer, value);
        return writer.Written.ToArray();
    }

    private static void Write(MessagePackWriter writer, object? value)
    {
        switch (value)
        {
            case null: writer.WriteNil(); break;
            case bool b: writer.WriteBool(b); break;
            case int i: writer.WriteInteger(i); break;
            case long l: writer.WriteInteger(l); break;
            case double d: writer.WriteFloat(d); break;
            case string s: writer.WriteString(s); break;
            case byte[] bytes: writer.WriteBinary(bytes); break;
            case Entries map:
                writer.WriteMapHeader(map.Items.Length);
                foreach (var (key, item) in map.Items)
                {
                    Write(writer, key);
                    Write(writer, item);
                }

                break;
            case System.Collections.IEnumerable items:
                var all = items.Cast<object?>().ToArray();
                writer.WriteArrayHeader(all.Length);
                foreach (var item in all) Write(writer, item);
                break;
            default: throw new ArgumentException($"Cannot write {value.GetType()}.", nameof(value));
        }
    }

    internal sealed record Entries((object? Key, object? Value)[] Items)
    {
        public Entries With(string key, object? value) => new([.. Items.Where(item => !key.Equals(item.Key)), (key, value)]);

        public Entries Without(string key) => new([.. Items.Where(item => !key.Equals(item.Key))]);
    }
}
