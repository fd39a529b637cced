using System.Text;
using Contingious.Engine;
using Contingious.Engine.Images;
using Contingious.Engine.Linux;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Tests.Importer.Support;
using Contingious.Tests.Support;

namespace Contingious.Tests.Importer;

/// <summary>Images that jobs run on while they are replaced, pruned and attacked.</summary>
[Trait("Needs", "keeper")]
[Collection(nameof(AloneOnTheHost))]
public sealed class ImageInUseTests(EngineFixture fixture)
{
    private const string Show = "cat /opt/version /work/version";

    [Fact]
    public async Task B15_an_image_that_is_replaced_and_pruned_while_a_job_runs_on_it_keeps_serving_the_job()
    {
        var engine = await fixture.EngineAsync();
        using var layout = new BusyboxLayout();
        var store = new ImageStore(fixture.Layout.ImagesDirectory);
        var importer = new ImageImporter(store, fixture.Layout.StagingDirectory);
        var old = await importer.ImportAsync(layout.Request(layout.Write("old")), null, TestContext.Current.CancellationToken);
        var request = new RunRequest
        {
            Id = fixture.NewId(),
            Image = layout.Name.ToString(),
            Steps =
            [
                new StepRequest { Name = "first", Args = ["sh", "-c", $"until [ -e /io/go ]; do sleep 0.02; done; {Show}"] },
                new StepRequest { Name = "second", Args = ["sh", "-c", Show] },
                new StepRequest { Name = "third", Fresh = true, Args = ["sh", "-c", Show] },
            ],
        };
        var job = engine.RunAsync(request, TestContext.Current.CancellationToken);
        try
        {
            var shared = await SharedDirectoryAsync(request.Id, job);
            var current = await importer.ImportAsync(layout.Request(layout.Write("new")), null, TestContext.Current.CancellationToken);
            Assert.NotEqual(old.Id, current.Id);
            Assert.Contains(old.Id, store.Prune().InUse.Select(entry => entry.Id));
            Assert.Contains("in use", Assert.Throws<ContingiousException>(() => store.Remove(old.Id.ToString())).Message, StringComparison.Ordinal);
            File.WriteAllText($"{shared}/go", "");
            var report = await job;
            Assert.Equal((Outcome.Ok, ""), (report.Outcome, report.Message));
            Assert.Equal(["oldold", "oldold", "oldold"], report.Steps.Select(Text));
            Assert.Equal("newnew", Text((await fixture.RunAsync(["sh", "-c", Show], job: next => next with { Image = layout.Name.ToString() })).Steps[0]));
            Assert.Contains(old.Id, store.Prune().Removed.Select(entry => entry.Id));
        }
        finally
        {
            layout.RemoveFrom(store);
        }
    }

    [Fact]
    public async Task B16_no_run_changes_anything_of_the_image_whatever_it_tries_as_root()
    {
        await fixture.EngineAsync();
        using var layout = new BusyboxLayout();
        var store = new ImageStore(fixture.Layout.ImagesDirectory);
        var image = await new ImageImporter(store, fixture.Layout.StagingDirectory).ImportAsync(layout.Request(layout.Write("one", files: 20)), null, TestContext.Current.CancellationToken);
        const string attack = """
            for where in /opt /work; do
                echo x >$where/version; echo x >>$where/file-0; echo x >$where/more; touch $where/version; chmod 777 $where/version $where
                rm -f $where/file-2 $where/file-3; mv $where/version $where/moved; ln $where/file-0 $where/linked; chattr +i $where/file-4
            done
            mount -o remount,rw /opt && echo x >/opt/version
            cat /opt/version
            """;
        try
        {
            for (var i = 0; i < (Soak.IsAsked ? 100 : 5); i++)
            {
                var report = await fixture.RunAsync(["sh", "-c", attack], job: request => request with { Image = layout.Name.ToString(), Root = true });
                if (TestedEngine.IsSplit) Assert.Equal("one", Text(report.Steps[0]));
            }

            Assert.Equal([], (await ImageVerification.OfAsync(image, TestContext.Current.CancellationToken)).Differences);
        }
        finally
        {
            layout.RemoveFrom(store);
        }
    }

    private async Task<string> SharedDirectoryAsync(SandboxId id, Task job)
    {
        var directory = $"{fixture.Layout.SandboxesDirectory}/{id.Value}/disk/io";
        for (var i = 0; i < 500 && !job.IsCompleted; i++)
        {
            if (HostPath.TryStatus(directory) is not null) return directory;
            await Task.Delay(20);
        }

        throw new TimeoutException($"{directory} did not appear.");
    }

    private static string Text(StepReport step) => Encoding.UTF8.GetString(step.Stdout.Span);
}
