using System.Text;
using System.Text.Json;
using Contingious.Agent.Cli;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Tests.Commands;

public sealed class FollowTests
{
    private static readonly DateTimeOffset time = new(2026, 11, 22, 7, 0, 0, 5, TimeSpan.Zero);

    [Fact]
    public void An_event_is_a_line_with_nothing_that_a_terminal_obeys()
    {
        Assert.Equal(["2026-11-22T07:00:00.005Z hw3/2 accepted"], EventRenderer.ToLines(Event(JobEventKind.Accepted)));
        Assert.Equal(["2026-11-22T07:00:00.005Z hw3/2 build started"], EventRenderer.ToLines(Event(JobEventKind.Started) with { Step = "build" }));
        Assert.Equal(["2026-11-22T07:00:00.005Z hw3/2 b\\u{1b}[2J ended: Ok"], EventRenderer.ToLines(Event(JobEventKind.Step) with { Step = "b\e[2J", Outcome = Outcome.Ok }));
        Assert.Equal(["2026-11-22T07:00:00.005Z hw3/2 finished: Cancelled"], EventRenderer.ToLines(Event(JobEventKind.Finished) with { Outcome = Outcome.Cancelled }));
        Assert.Equal(
            ["2026-11-22T07:00:00.005Z hw3/2 t stderr| one\\u{1b}]0;x\\u{7}", "2026-11-22T07:00:00.005Z hw3/2 t stderr| two"],
            EventRenderer.ToLines(Output("t", isStderr: true, "one\e]0;x\atwo".Replace("two", "\ntwo\n", StringComparison.Ordinal))));
    }

    [Fact]
    public void An_event_as_JSON_is_one_line()
    {
        var text = EventRenderer.ToJson(Output("t", isStderr: false, "a\nb\e"));
        Assert.DoesNotContain('\n', text);
        Assert.DoesNotContain('\e', text);
        var json = JsonDocument.Parse(text).RootElement;
        Assert.Equal(("hw3", 2, "output", "t", "stdout", "a\nb\e"), (
            json.GetProperty("job_id").GetString(), json.GetProperty("attempt").GetInt32(), json.GetProperty("kind").GetString(), json.GetProperty("step").GetString(), json.GetProperty("stream").GetString(), json.GetProperty("data").GetString()));
        Assert.Equal("Ok", JsonDocument.Parse(EventRenderer.ToJson(Event(JobEventKind.Finished) with { Outcome = Outcome.Ok })).RootElement.GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task Following_shows_output_once_where_it_was_written()
    {
        var (stdout, stderr) = await FollowAsync(isTerminal: false, [Event(JobEventKind.Accepted), Output("s", false, "hel"), Output("s", true, "oops"), Output("s", false, "lo\n")], "hello\n", "oops");
        Assert.Equal("hello\n", stdout);
        Assert.Equal("contingious: accepted\noops", stderr);
    }

    [Fact]
    public async Task What_was_not_seen_live_is_shown_from_the_result()
    {
        var (stdout, stderr) = await FollowAsync(isTerminal: false, [Output("s", false, "lo\n")], "hello\n", "oops");
        Assert.Equal("lo\nhello\n", stdout);
        Assert.Equal("contingious: s: 3 bytes were seen live of 6; what the result has of them is\noops", stderr);
        Assert.Equal(("hello\n", ""), await FollowAsync(isTerminal: false, [], "hello\n", ""));
    }

    [Fact]
    public async Task R15_a_terminal_is_shown_nothing_that_it_obeys_and_gets_its_modes_back()
    {
        // A query that the terminal would answer into the shell, cut in two by two events.
        var (stdout, _) = await FollowAsync(isTerminal: true, [Output("s", false, "a\e[31mb\e["), Output("s", false, "6nc")], "a\e[31mb\e[6nc", "");
        Assert.Equal("a\e[31mbc\e[0m", stdout);
        var (piped, _) = await FollowAsync(isTerminal: false, [Output("s", false, "a\e[6nb")], "a\e[6nb", "");
        Assert.Equal("a\e[6nb", piped);
    }

    [Fact]
    public async Task Events_of_a_job_end_when_it_is_finished()
    {
        await using var line = new FakeLine([Event(JobEventKind.Accepted), Event(JobEventKind.Finished) with { Outcome = Outcome.Ok }, Event(JobEventKind.Accepted)], report: new RunReport { Outcome = Outcome.Ok });
        using var text = new StringWriter();
        await EventsCommand.ShowAsync(line, "hw3", asJson: false, text, TestContext.Current.CancellationToken);
        Assert.Equal(2, text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        using var all = new StringWriter();
        await EventsCommand.ShowAsync(line, jobId: null, asJson: true, all, TestContext.Current.CancellationToken);
        Assert.Equal(3, all.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    private static async Task<(string Stdout, string Stderr)> FollowAsync(bool isTerminal, IReadOnlyList<JobEvent> events, string stdout, string stderr)
    {
        using var toOut = new MemoryStream();
        using var toErr = new MemoryStream();
        var step = new StepReport
        {
            Name = "s",
            Outcome = Outcome.Ok,
            Stdout = Encoding.UTF8.GetBytes(stdout),
            Stderr = Encoding.UTF8.GetBytes(stderr),
            Usage = new Usage { StdoutBytes = stdout.Length, StderrBytes = stderr.Length },
        };
        await using var line = new FakeLine(events, new RunReport { Outcome = Outcome.Ok, Steps = [step] });
        await SubmitCommand.FollowAsync(line, Tests.Wire.Samples.FullJob, JobClass.Exam, new LiveOutput(toOut, toErr, (isTerminal, isTerminal)), TestContext.Current.CancellationToken);
        return (Encoding.UTF8.GetString(toOut.ToArray()), Encoding.UTF8.GetString(toErr.ToArray()));
    }

    private static JobEvent Event(JobEventKind kind) => new("hw3", 2, kind, time);

    private static JobEvent Output(string step, bool isStderr, string text) => Event(JobEventKind.Output) with { Step = step, IsStderr = isStderr, Data = Encoding.UTF8.GetBytes(text) };

    private sealed class FakeLine(IReadOnlyList<JobEvent> events, RunReport report) : IJobLine
    {
        public async Task<JobResult> SubmitAsync(Job job, JobClass ofClass, Func<JobEvent, Task>? happened, CancellationToken cancellation)
        {
            foreach (var each in events) await (happened?.Invoke(each) ?? Task.CompletedTask);
            return new JobResult(job.JobId, job.Attempt, "agent", report);
        }

        public Task PostAsync(Job job, JobClass ofClass, CancellationToken cancellation) => Task.CompletedTask;

        public IAsyncEnumerable<JobEvent> FollowAsync(string? jobId, CancellationToken cancellation) => events.ToAsyncEnumerable();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
