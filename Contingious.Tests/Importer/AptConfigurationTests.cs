using Contingious.Engine;
using Contingious.Importer.Sources;
using Contingious.Tests.Importer.Support;

namespace Contingious.Tests.Importer;

public sealed class AptConfigurationTests
{
    [Fact]
    public void Of_the_hosts_sources_those_of_the_suite_are_taken_in_either_form()
    {
        using var scratch = new ScratchDirectory();
        Directory.CreateDirectory(scratch["sources.list.d"]);
        File.WriteAllText(scratch["sources.list"], "# deb http://off/ bookworm main\ndeb [arch=amd64,arm64 signed-by=/k.gpg] http://mirror/debian bookworm main contrib # why\ndeb-src http://mirror/debian bookworm main\ndeb http://other/ trixie main\n");
        File.WriteAllText(scratch["sources.list.d/a.sources"], "# said\nTypes: deb deb-src\nURIs: http://security/\nSuites: bookworm-security trixie-security\nComponents: main\nSigned-By:\n .\n key\n\nTypes: deb\nURIs: http://off/\nSuites: bookworm\nEnabled: no\nComponents: main\n");
        File.WriteAllText(scratch["sources.list.d/other.txt"], "deb http://ignored/ bookworm main\n");

        var sources = AptConfiguration.SourcesOf("bookworm", scratch.Root);

        Assert.Equal(
            "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm\nComponents: main contrib\nArchitectures: amd64 arm64\nSigned-By: /k.gpg\n"
            + "\nTypes: deb\nURIs: http://security/\nSuites: bookworm-security\nComponents: main\nSigned-By:\n .\n key\n",
            sources.Replace("signed-by:", "Signed-By:", StringComparison.Ordinal));
    }

    [Fact]
    public void Where_the_host_has_only_updates_of_the_suite_or_nothing_it_has_none()
    {
        using var scratch = new ScratchDirectory();
        Assert.Equal("", AptConfiguration.SourcesOf("bookworm", scratch["absent"]));
        File.WriteAllText(scratch["sources.list"], "deb http://mirror/debian bookworm-updates main\n");
        Assert.Equal("", AptConfiguration.SourcesOf("bookworm", scratch.Root));
    }

    [Fact]
    public async Task Of_the_hosts_options_only_those_are_taken_that_say_how_to_download()
    {
        var options = await AptConfiguration.OptionsAsync(TestContext.Current.CancellationToken);
        Assert.All(options.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches("^Acquire::[A-Za-z]", line));
        Assert.DoesNotContain("DPkg", options, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("debian:")]
    [InlineData("debian:Bookworm")]
    [InlineData("debian:--help")]
    [InlineData("debian:bookworm,")]
    [InlineData("debian:bookworm,gcc python3")]
    [InlineData("debian:bookworm,--include=x")]
    [InlineData("debian:bookworm,../x")]
    [InlineData("debian:bookworm,Gcc")]
    public async Task What_is_no_suite_or_no_package_is_refused_before_anything_runs(string source)
    {
        using var fixture = new ImportFixture();
        await Assert.ThrowsAsync<RejectedRequestException>(() => fixture.ImportFromAsync(source));
        await Assert.ThrowsAsync<Contingious.Importer.ImportException>(() => fixture.ImportFromAsync("oci:/nowhere"));
    }
}
