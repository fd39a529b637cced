using Contingious.Engine.Host;
using Contingious.Engine.Linux;

namespace Contingious.Tests.Host;

/// <summary>Which of the cgroups that an account has written down are taken for its own.</summary>
public sealed class CgroupHomesTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("contingious-homes-");

    private string Unified => $"{directory.FullName}/unified";

    private string Written => $"{directory.FullName}/written";

    public CgroupHomesTests()
    {
        Directory.CreateDirectory($"{Unified}/contingious.service");
        Directory.CreateDirectory($"{Unified}-elsewhere");
        Directory.CreateDirectory(Written);
    }

    public void Dispose() => directory.Delete(recursive: true);

    [Fact]
    public void A_directory_of_the_account_s_in_the_unified_hierarchy_is_taken()
    {
        Write("one", $"{Unified}/contingious.service\n");
        Assert.Equal([$"{Unified}/contingious.service"], Taken());
    }

    [Fact]
    public void What_another_account_owns_is_not_taken()
    {
        Write("one", $"{Unified}/contingious.service\n");
        Assert.Empty(CgroupHomes.Directories(Written, Unified, Credentials.EffectiveUid + 1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("contingious.service\n")]
    [InlineData("{0}\n")]
    [InlineData("{0}-elsewhere\n")]
    [InlineData("{0}/../unified-elsewhere\n")]
    [InlineData("{0}/contingious.service/../../unified-elsewhere\n")]
    [InlineData("{0}//contingious.service\n")]
    [InlineData("{0}/gone\n")]
    [InlineData("{0}/a-link\n")]
    [InlineData("{0}/a\0b\n")]
    [InlineData("{0}/contingious.service\n{0}/contingious.service\n")]
    public void Anything_else_is_passed_over(string content)
    {
        File.CreateSymbolicLink($"{Unified}/a-link", $"{Unified}-elsewhere");
        Write("one", string.Format(null, content, Unified));
        Assert.Empty(Taken());
    }

    [Fact]
    public void What_is_too_long_or_no_file_is_passed_over()
    {
        Write("long-name", $"{Unified}/{new string('x', 300)}\n");
        Write("long-file", $"{Unified}/{new string('x', 5000)}\n");
        Write(".unfinished", $"{Unified}/contingious.service\n");
        Directory.CreateDirectory($"{Written}/directory");
        File.CreateSymbolicLink($"{Written}/link", $"{Written}/.unfinished");
        Assert.Empty(Taken());
    }

    [Fact]
    public void Nothing_is_taken_where_nothing_was_written()
    {
        Assert.Empty(CgroupHomes.Directories($"{Written}/gone", Unified, Credentials.EffectiveUid));
    }

    private IReadOnlyList<string> Taken() => CgroupHomes.Directories(Written, Unified, Credentials.EffectiveUid);

    private void Write(string name, string content) => File.WriteAllText($"{Written}/{name}", content);
}
