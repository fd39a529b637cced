using Contingious.Importer.Sources;

namespace Contingious.Tests.Importer;

public sealed class ToolOutputTests
{
    [Fact]
    public async Task What_buildah_says_for_want_of_netavark_comes_with_what_mends_it()
    {
        var said = new ToolOutput();
        await said.ReadAsync(new MemoryStream("STEP 1/2: FROM scratch\nError: creating build container: could not find \"netavark\" in one of [/usr/libexec/podman]."u8.ToArray()), null);
        var message = said.Failure("buildah", 125).Message;
        Assert.Contains("'apt-get install netavark'", message, StringComparison.Ordinal);
        Assert.Contains("buildah exited with 125: STEP 1/2", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Any_other_complaint_is_quoted_alone()
    {
        var said = new ToolOutput();
        await said.ReadAsync(new MemoryStream("one\r\n\ntwo\n"u8.ToArray()), null);
        Assert.Equal("skopeo exited with 1: one | two", said.Failure("skopeo", 1).Message);
    }
}
