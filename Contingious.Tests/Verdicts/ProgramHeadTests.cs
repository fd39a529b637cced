using Contingious.Engine.Model;

namespace Contingious.Tests.Verdicts;

/// <summary>The labels themselves: a mistake in one must not make its test pass.</summary>
public sealed class ProgramHeadTests
{
    [Fact]
    public void Every_program_of_the_corpus_has_a_label()
    {
        var programs = LabelledProgram.Names().Select(LabelledProgram.Load).ToList();
        Assert.True(programs.Count >= 150, $"only {programs.Count} programs are there");
        foreach (var language in LabelledProgram.Languages) Assert.Contains(programs, program => program.Name.StartsWith($"{language}/", StringComparison.Ordinal));
        foreach (var outcome in new[] { Outcome.Ok, Outcome.NonZeroExit, Outcome.Signalled, Outcome.CpuTimeLimit, Outcome.WallTimeLimit, Outcome.MemoryLimit, Outcome.OutputLimit, Outcome.DiskLimit })
        {
            Assert.Contains(programs, program => program.Head.Expectation.Outcome == outcome);
        }
    }

    [Fact]
    public void A_whole_head_is_read()
    {
        var head = ProgramHead.Parse(
            "x.sh",
            """
            #!/bin/sh
            # Some words for people.
            # expect: NonZeroExit exit=137 flags=DiskFull,?Idle
            # limits: cpu=300ms wall=2s memory=64m processes=8
            # says: stdout is "a\n\x00\""
            # measured: OomKills=0 CpuTime<300ms
            # stdin: 2k of "x"
            # run: ./x.sh one
            # sent: executable crlf
            echo
            # expect: of no matter here
            """,
            "#");
        Assert.Equal((Outcome.NonZeroExit, 137, null), (head.Expectation.Outcome, head.Expectation.ExitCode, head.Expectation.Signal));
        Assert.Equal((EvidenceFlags.DiskFull, EvidenceFlags.Idle), (head.Expectation.Flags, head.Expectation.OptionalFlags));
        Assert.Equal((TimeSpan.FromSeconds(0.3), TimeSpan.FromSeconds(2), ByteSize.FromMiB(64), 8), (head.Limits.CpuTime, head.Limits.WallTime, head.Limits.Memory, head.Limits.Processes));
        Assert.Equal("a\n\0\""u8.ToArray(), Assert.Single(head.Expectation.Says).Bytes);
        Assert.Equal(["OomKills", "CpuTime"], head.Expectation.Measured.Select(rule => rule.Figure.Name));
        Assert.Equal((2048, true, true), (head.Stdin.Length, head.SentExecutable, head.SentWithCrLf));
        Assert.Equal(["./x.sh", "one"], head.Run ?? []);
    }

    [Theory]
    [InlineData("", "no line '# expect: …'")]
    [InlineData("# expect:", "'' is none of Ok, NonZeroExit")]
    [InlineData("# expect: Fine", "'Fine' is none of Ok, NonZeroExit")]
    [InlineData("# expect: 1", "'1' is none of Ok, NonZeroExit")]
    [InlineData("# expect: NonZeroExit", "needs exit=N")]
    [InlineData("# expect: NonZeroExit exit=0", "needs exit=N")]
    [InlineData("# expect: Signalled exit=9", "needs signal=N")]
    [InlineData("# expect: Ok exit=0", "Ok says its exit code itself")]
    [InlineData("# expect: Ok flags=Odd", "'Odd' is none of None, OomKilled")]
    [InlineData("# expect: Ok soon", "'soon' is none of exit=N")]
    [InlineData("# expect: Ok\n# expect: Ok", "x.sh:2: 'expect' is there twice")]
    [InlineData("# expects: Ok", "x.sh:1: 'expects' is no key")]
    [InlineData("# expect: Ok\n# Limits: cpu=1s", "'Limits' is no key")]
    [InlineData("# expect: Ok\n# limits: cpu=1", "'1' is no time")]
    [InlineData("# expect: Ok\n# limits: cpus", "'cpus' is not of the form")]
    [InlineData("# expect: Ok\n# limits: memory=much", "'much' is no size")]
    [InlineData("# expect: Ok\n# limits: colour=1", "'colour' is no limit")]
    [InlineData("# expect: Ok\n# says: stdout is hello", "is not of the form")]
    [InlineData("# expect: Ok\n# says: stdin is \"x\"", "is not of the form")]
    [InlineData("# expect: Ok\n# says: stdout is \"\\q\"", "an escape that is none of")]
    [InlineData("# expect: Ok\n# says: stdout contains \"\"", "everything contains")]
    [InlineData("# expect: Ok\n# measured: Beauty>=1", "'Beauty' is none of CpuTime")]
    [InlineData("# expect: Ok\n# measured: CpuTime>=1", "'1' is no time")]
    [InlineData("# expect: Ok\n# sent: by-post", "'by-post' is none of plain")]
    [InlineData("# expect: Ok\n# stdin: 2k of \"xy\"", "must be one byte")]
    public void A_malformed_head_is_refused_with_its_place(string head, string complaint)
    {
        var error = Assert.Throws<FormatException>(() => ProgramHead.Parse("x.sh", $"{head}\necho\n", "#"));
        Assert.Contains(complaint, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("x.sh", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_verdict_is_seen()
    {
        var head = ProgramHead.Parse("x.sh", "# expect: NonZeroExit exit=137\n# says: stdout is \"a\"\n# measured: OomKills=0\n", "#");
        var right = new StepReport { Outcome = Outcome.NonZeroExit, ExitCode = 137, Stdout = "a"u8.ToArray() };
        Assert.Empty(Compare(right));
        Assert.NotEmpty(Compare(right with { Outcome = Outcome.Signalled }));
        Assert.NotEmpty(Compare(right with { ExitCode = 136 }));
        Assert.NotEmpty(Compare(right with { Signal = 9 }));
        Assert.NotEmpty(Compare(right with { ExitCode = null, Signal = 9 }));
        Assert.NotEmpty(Compare(right with { Stdout = "b"u8.ToArray() }));
        Assert.NotEmpty(Compare(right with { Evidence = new Evidence { Flags = EvidenceFlags.Ambiguous } }));
        Assert.NotEmpty(Compare(right with { Evidence = new Evidence { OomKills = 1 } }));
        Assert.NotEmpty(head.Expectation.Compare(new RunReport { Outcome = Outcome.InternalError }));

        IReadOnlyList<string> Compare(StepReport step) => head.Expectation.Compare(new RunReport { Outcome = step.Outcome, Steps = [step] });
    }
}
