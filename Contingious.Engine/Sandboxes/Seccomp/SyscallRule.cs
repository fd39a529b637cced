using System.Text.Json;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Sandboxes.Seccomp;

/// <summary>One entry of <c>linux.seccomp.syscalls</c>: these calls, where all tests of their arguments hold, get this answer.</summary>
internal sealed record SyscallRule
{
    private const int Allowed = -1;

    private readonly IReadOnlyList<string> names;
    private readonly int answer;
    private readonly IReadOnlyList<ArgumentTest> tests;

    private SyscallRule(IReadOnlyList<string> names, int answer, IReadOnlyList<ArgumentTest> tests)
    {
        this.names = names;
        this.answer = answer;
        this.tests = tests;
    }

    public static SyscallRule Allow(IReadOnlyList<string> names, params IReadOnlyList<ArgumentTest> tests) => new(names, Allowed, tests);

    public static SyscallRule Refuse(Errno errno, IReadOnlyList<string> names, params IReadOnlyList<ArgumentTest> tests) => new(names, (int)errno, tests);

    /// <summary>The calls do nothing and return 0, which is what the error number 0 means to seccomp(2).</summary>
    public static SyscallRule Pretend(IReadOnlyList<string> names) => new(names, 0, []);

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteStartArray("names");
        foreach (var name in names) json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteString("action", answer == Allowed ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
        if (answer != Allowed) json.WriteNumber("errnoRet", answer);
        if (tests.Count > 0)
        {
            json.WriteStartArray("args");
            foreach (var test in tests) test.Write(json);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }
}

/// <summary>
/// A test of a call's argument. The filter sees 64 bits of a register; the kernel takes an <c>int</c> from its lower half.
/// So a number that is to be refused is looked for under a mask of 32 bits: a plain comparison is passed by with a bit set in
/// the upper half (CVE-2019-7303, CVE-2019-10063), and one that allows would refuse musl, which extends the sign of an
/// ioctl's number.
/// </summary>
internal readonly record struct ArgumentTest
{
    private readonly int index;
    private readonly string comparison;
    private readonly uint value;
    private readonly uint masked;

    private ArgumentTest(int index, string comparison, uint value, uint masked = 0)
    {
        this.index = index;
        this.comparison = comparison;
        this.value = value;
        this.masked = masked;
    }

    /// <summary>All 64 bits are this number: for allowing.</summary>
    public static ArgumentTest Is(int index, uint number) => new(index, "EQ", number);

    /// <summary>The 64 bits are this number or a larger one: for refusing what is beyond all that are allowed by <see cref="Is"/>.</summary>
    public static ArgumentTest IsAtLeast(int index, uint number) => new(index, "GE", number);

    /// <summary>(argument &amp; <paramref name="mask"/>) == <paramref name="bits"/>.</summary>
    public static ArgumentTest Has(int index, uint mask, uint bits) => new(index, "MASKED_EQ", mask, bits);

    /// <summary>
    /// Tests of which one holds, exactly where the argument is below 2 to the power of <paramref name="width"/> and none of
    /// these numbers: libseccomp cannot negate a masked comparison. They are the branches of the binary tree of those
    /// numbers that lead away from the given. (Each rule costs 20 µs at every start of a container: hence the width.)
    /// </summary>
    public static IEnumerable<ArgumentTest> IsNone(int index, int width, params IReadOnlyList<uint> numbers)
    {
        for (var bit = width - 1; bit >= 0; bit--)
        {
            var mask = uint.MaxValue << bit;
            var kept = numbers.Select(number => number & mask).ToHashSet();
            foreach (var branch in kept.Select(number => number ^ (1u << bit)).Where(branch => !kept.Contains(branch))) yield return Has(index, mask, branch);
        }
    }

    /// <summary>Whether it holds for an argument, as the filter will see it.</summary>
    public bool Holds(ulong argument) => comparison switch
    {
        "EQ" => argument == value,
        "GE" => argument >= value,
        _ => (argument & value) == masked,
    };

    // valueTwo is what a mask is compared with (runtime-spec, config-linux.md#seccomp; seccomp_rule_add(3)).
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("index", index);
        json.WriteNumber("value", value);
        json.WriteNumber("valueTwo", masked);
        json.WriteString("op", $"SCMP_CMP_{comparison}");
        json.WriteEndObject();
    }
}
