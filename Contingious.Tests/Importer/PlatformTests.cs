using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Importer;
using Contingious.Importer.Oci;

namespace Contingious.Tests.Importer;

public sealed class PlatformTests
{
    [Theory]
    [InlineData("linux/arm64", "linux/arm64/v8", true)]
    [InlineData("linux/arm64/v8", "linux/arm64", true)]
    [InlineData("linux/amd64", "linux/amd64/v1", true)]
    [InlineData("linux/amd64", "linux/amd64/v3", false)]
    [InlineData("linux/arm", "linux/arm/v7", true)]
    [InlineData("linux/arm/v7", "linux/arm/v6", true)]
    [InlineData("linux/arm/v6", "linux/arm/v7", false)]
    [InlineData("linux/amd64", "windows/amd64", false)]
    [InlineData("linux/amd64", "linux/arm64", false)]
    public void A_platform_runs_what_is_made_for_it(string platform, string image, bool runs) =>
        Assert.Equal(runs, Platform.Parse(platform).Runs(Platform.Parse(image)));

    [Theory]
    [InlineData("linux")]
    [InlineData("linux/")]
    [InlineData("linux/amd64/v1/x")]
    [InlineData("Linux/amd64")]
    [InlineData("linux/amd64\n")]
    public void What_is_no_platform_is_refused(string text) => Assert.Throws<RejectedRequestException>(() => Platform.Parse(text));

    [Fact]
    public void An_exact_match_comes_before_one_that_runs_too()
    {
        Assert.Equal("linux/arm/v7", Choose("linux/arm/v7", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7"));
        Assert.Equal("linux/arm/v6", Choose("linux/arm/v7", "linux/arm/v5", "linux/arm/v6", "linux/arm64"));
        Assert.Equal("linux/amd64/v3", Choose("linux/amd64/v3", "linux/amd64", "linux/amd64/v3"));
    }

    [Fact]
    public void The_only_image_is_taken_where_nobody_asked_for_another()
    {
        Assert.Equal("linux/s390x", Choose(null, "linux/s390x", "unknown/unknown"));
        var error = Assert.Throws<InvalidImageException>(() => Choose("linux/amd64", "linux/s390x", "unknown/unknown"));
        Assert.Contains("It has: linux/s390x.", error.Message, StringComparison.Ordinal);
    }

    private static string? Choose(string? asked, params string[] there) => PlatformChoice.Choose(
        [.. there.Select(text => new Descriptor { Digest = Digest.Of("x"u8), Size = 1, Platform = Platform.Parse(text) })],
        asked is null ? null : Platform.Parse(asked),
        "the index").Platform?.ToString();
}
