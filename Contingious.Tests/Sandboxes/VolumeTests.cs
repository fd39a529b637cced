using System.Text;
using Contingious.Engine.Model;
using Contingious.Tests.Hostile;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Sandboxes;

/// <summary>Directories that an image declares as volumes.</summary>
[Trait("Needs", "keeper")]
public sealed class VolumeTests(EngineFixture fixture)
{
    [Fact]
    public async Task A_volume_is_a_writable_directory_that_begins_as_the_image_has_it_and_is_nobody_else_s()
    {
        using var image = await HostileImage.ImportAsync(
            fixture, new TarBuilder().Directory("work").Directory("usr").Directory("usr/data").File("usr/data/given", "given"), ["/work"], """{"Volumes":{"/usr/data":{},"/new/deep":{}}}""");
        for (var run = 0; run < 2; run++)
        {
            var report = await image.ShellAsync("cat /usr/data/given; echo; ls /usr/data /new/deep; echo x >/usr/data/made && echo x >/new/deep/made && echo wrote");
            Assert.Equal((Outcome.Ok, "given\n/new/deep:\n\n/usr/data:\ngiven\nwrote\n"), (report.Outcome, Encoding.UTF8.GetString(report.Steps[0].Stdout.Span)));
        }
    }
}
