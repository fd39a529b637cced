using Contingious.Engine.Images;

namespace Contingious.Tests.Importer;

public sealed class NamesTests
{
    [Theory]
    [InlineData("alpine", "alpine", "latest")]
    [InlineData("alpine:3.20", "alpine", "3.20")]
    [InlineData("ingi/inginious-c-default:v1", "ingi/inginious-c-default", "v1")]
    [InlineData("a.b_c-d", "a.b_c-d", "latest")]
    public void A_name_and_its_tag_are_read(string text, string name, string tag)
    {
        var reference = ImageReference.Parse(text);
        Assert.Equal((name, tag), (reference.Name, reference.Tag));
        Assert.Equal(reference, ImageReference.FromFileName(reference.FileName));
        Assert.DoesNotContain('/', reference.FileName);
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("a/../b")]
    [InlineData("/a")]
    [InlineData("a//b")]
    [InlineData(".a")]
    [InlineData("A")]
    [InlineData("a:")]
    [InlineData("a:../b")]
    [InlineData("a:.b")]
    [InlineData("a:b:c")]
    [InlineData("a@sha256:b")]
    [InlineData("a\n")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("é")]
    public void What_is_not_a_name_is_refused(string? text) => Assert.False(ImageReference.TryParse(text, out _));

    [Fact]
    public void A_name_is_short_enough_for_a_file_name()
    {
        Assert.False(ImageReference.TryParse(new string('a', 121), out _));
        Assert.True(ImageReference.TryParse($"{new string('a', 120)}:{new string('b', 128)}", out var longest));
        Assert.True(longest.FileName.Length <= 255);
    }

    [Theory]
    [InlineData("sha256:../../../../etc/passwd")]
    [InlineData("sha256:")]
    [InlineData("sha256:ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789")]
    [InlineData("sha512:abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789")]
    [InlineData("abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789")]
    [InlineData("sha256:abcdef0123456789abcdef0123456789abcdef0123456789abcdef012345678\n")]
    [InlineData(null)]
    public void B10_what_is_not_a_digest_is_refused(string? text) => Assert.False(Digest.TryParse(text, out _));

    [Fact]
    public void A_digest_is_of_the_content()
    {
        var digest = Digest.Of(""u8);
        Assert.Equal("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", digest.ToString());
        Assert.Equal(digest, Digest.Parse(digest.ToString()));
        Assert.True(Digest.TryParseDirectoryName(digest.DirectoryName, out var back) && back == digest);
    }
}
