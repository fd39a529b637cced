using System.Text.Json;
using Contingious.Engine.Sandboxes.Seccomp;
using Machine = System.Runtime.InteropServices.Architecture;

namespace Contingious.Tests.Sandboxes;

public sealed class SeccompProfileTests
{
    [Fact]
    public void What_is_not_named_answers_that_there_is_no_such_system_call()
    {
        using var profile = Written();
        Assert.Equal("SCMP_ACT_ERRNO", profile.RootElement.GetProperty("seccomp").GetProperty("defaultAction").GetString());
        Assert.Equal(38, profile.RootElement.GetProperty("seccomp").GetProperty("defaultErrnoRet").GetInt32());
    }

    [Fact]
    public void No_name_is_in_two_lists() =>
        Assert.Equal([], AllowedCalls.Names.Concat(RefusedCalls.Names).Concat(RefusedCalls.PretendedNames).GroupBy(name => name).Where(group => group.Count() > 1).Select(group => group.Key));

    [Fact]
    public void A_call_that_is_examined_is_not_allowed_unseen()
    {
        using var profile = Written();
        var examined = Rules(profile).Where(rule => rule.TryGetProperty("args", out _)).SelectMany(Names).ToHashSet();
        Assert.Equal(["clone", "fcntl", "inotify_add_watch", "ioctl", "personality", "socket", "socketpair"], examined.Order());
        Assert.DoesNotContain(AllowedCalls.Names, examined.Contains);
    }

    [Theory]
    [InlineData(16, 0x5412u)]
    [InlineData(16, 0x541Cu, 0x5412u)]
    [InlineData(5, 1u, 2u, 10u, 16u)]
    public void One_test_holds_for_a_number_that_is_none_of_the_given_and_none_for_those_whatever_the_upper_half_is(int width, params uint[] given)
    {
        var tests = ArgumentTest.IsNone(0, width, given).ToList();
        for (ulong number = 0; number < 1ul << width; number++)
        {
            var expected = given.Contains((uint)number) ? 0 : 1;
            Assert.Equal(expected, tests.Count(test => test.Holds(number)));
            Assert.Equal(expected, tests.Count(test => test.Holds(number | 0xFFFF_FFFF_0000_0000)));
        }

        Assert.DoesNotContain(tests, test => test.Holds(1ul << width));
    }

    [Fact]
    public void Only_the_machine_s_own_architecture_is_named()
    {
        Assert.Equal("SCMP_ARCH_X86_64", SeccompProfile.ArchitectureOf(Machine.X64));
        Assert.Equal("SCMP_ARCH_AARCH64", SeccompProfile.ArchitectureOf(Machine.Arm64));
        Assert.Throws<PlatformNotSupportedException>(() => SeccompProfile.ArchitectureOf(Machine.X86));
    }

    private static JsonDocument Written()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            SeccompProfile.Write(json);
            json.WriteEndObject();
        }

        return JsonDocument.Parse(stream.ToArray());
    }

    private static JsonElement.ArrayEnumerator Rules(JsonDocument profile) => profile.RootElement.GetProperty("seccomp").GetProperty("syscalls").EnumerateArray();

    private static IEnumerable<string> Names(JsonElement rule) => rule.GetProperty("names").EnumerateArray().Select(name => name.GetString()!);
}
