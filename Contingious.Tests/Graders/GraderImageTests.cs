using System.Text;
using Contingious.Engine.Images;
using Contingious.Engine.Model;
using Contingious.Importer;
using Contingious.Importer.Recipes;
using Contingious.Tests.Support;

namespace Contingious.Tests.Graders;

/// <summary>The recipes of <c>images/</c>, each imported from the source that it names, and real submissions in it.</summary>
[Trait("Needs", "keeper")]
public sealed class GraderImageTests(EngineFixture fixture)
{
    private const string Numbers = "3\n10\n-4\n36\n";

    [Fact]
    public async Task A_submission_in_Cpp_is_compiled_and_graded()
    {
        await ImportAsync("c-cpp-grader");
        const string right = """
            #include <iostream>
            int main() { long n, sum = 0, x; std::cin >> n; while (n-- && std::cin >> x) sum += x; std::cout << sum << "\n"; }
            """;
        string[] compile = ["g++", "-O2", "-Wall", "-o", "solution", "solution.cpp"], run = ["./solution"];
        AssertGraded(await GradeAsync("c-cpp-grader", "solution.cpp", right, compile, run), Outcome.Ok, "42\n");

        var refused = await GradeAsync("c-cpp-grader", "solution.cpp", "int main() { return undeclared; }", compile, run);
        Assert.Equal([Outcome.NonZeroExit], refused.Steps.Select(step => step.Outcome));
        Assert.Contains("was not declared in this scope", Encoding.UTF8.GetString(refused.Steps[0].Stderr.Span), StringComparison.Ordinal);

        const string wild = "int main() { volatile int *p = nullptr; *p = 1; }";
        var crashed = await GradeAsync("c-cpp-grader", "solution.cpp", wild, compile, run);
        Assert.Equal((Outcome.Signalled, 11), (crashed.Steps[1].Outcome, crashed.Steps[1].Signal));
    }

    [Fact]
    public async Task A_submission_in_C_is_built_by_make()
    {
        await ImportAsync("c-cpp-grader");
        const string right = """
            #include <stdio.h>
            int main(void) { long n, sum = 0, x; scanf("%ld", &n); while (n-- && scanf("%ld", &x) == 1) sum += x; printf("%ld\n", sum); }
            """;
        AssertGraded(await GradeAsync("c-cpp-grader", "solution.c", right, ["make", "solution"], ["./solution"]), Outcome.Ok, "42\n");
    }

    [Fact]
    public async Task A_submission_in_Python_is_tested_by_pytest_and_run()
    {
        await ImportAsync("python-grader");
        const string right = """
            def total(numbers):
                return sum(numbers)

            def test_total():
                assert total([10, -4, 36]) == 42

            if __name__ == "__main__":
                n = int(input())
                print(total(int(input()) for _ in range(n)))
            """;
        string[] test = ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "solution.py"], run = ["python3", "solution.py"];
        AssertGraded(await GradeAsync("python-grader", "solution.py", right, test, run), Outcome.Ok, "42\n");

        var wrong = await GradeAsync("python-grader", "solution.py", right.Replace("sum(numbers)", "0", StringComparison.Ordinal), test, run);
        Assert.Equal([Outcome.NonZeroExit], wrong.Steps.Select(step => step.Outcome));
        Assert.Contains("1 failed", Encoding.UTF8.GetString(wrong.Steps[0].Stdout.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_submission_in_Java_is_compiled_and_graded()
    {
        await ImportAsync("java-grader");
        const string right = """
            import java.util.Scanner;
            public class Main {
                public static void main(String[] args) {
                    Scanner in = new Scanner(System.in);
                    long sum = 0;
                    for (int n = in.nextInt(); n > 0; n--) sum += in.nextLong();
                    System.out.println(sum);
                }
            }
            """;
        string[] compile = ["javac", "Main.java"], run = ["java", "-XX:+UseSerialGC", "-Xmx64m", "Main"];
        AssertGraded(await GradeAsync("java-grader", "Main.java", right, compile, run), Outcome.Ok, "42\n");

        const string hungry = """
            import java.util.ArrayList;
            public class Main {
                public static void main(String[] args) {
                    var all = new ArrayList<byte[]>();
                    while (true) all.add(new byte[1 << 20]);
                }
            }
            """;
        var exhausted = await GradeAsync("java-grader", "Main.java", hungry, compile, run);
        Assert.Equal(Outcome.NonZeroExit, exhausted.Steps[1].Outcome);
        Assert.Contains("OutOfMemoryError", Encoding.UTF8.GetString(exhausted.Steps[1].Stderr.Span), StringComparison.Ordinal);

        // As images/java-grader/README.md says of a heap without a size.
        var unbounded = await GradeAsync("java-grader", "Main.java", hungry, compile, ["java", "Main"]);
        Assert.Equal(Outcome.MemoryLimit, unbounded.Steps[1].Outcome);
    }

    private static void AssertGraded(RunReport report, Outcome outcome, string stdout)
    {
        Assert.True(report.Steps.Count == 2, $"{report.Message} {Encoding.UTF8.GetString(report.Steps[0].Stdout.Span)}{Encoding.UTF8.GetString(report.Steps[0].Stderr.Span)}");
        Assert.Equal((outcome, stdout), (report.Steps[1].Outcome, Encoding.UTF8.GetString(report.Steps[1].Stdout.Span)));
    }

    private async Task<RunReport> GradeAsync(string image, string file, string source, string[] build, string[] run)
    {
        var limits = Limits.Default with { Memory = ByteSize.FromMiB(512), CpuTime = TimeSpan.FromSeconds(30), WallTime = TimeSpan.FromSeconds(90) };
        var request = new RunRequest
        {
            Id = fixture.NewId(),
            Image = image,
            Limits = limits,
            Files = [new InputFile(file, Encoding.UTF8.GetBytes(source))],
            Steps =
            [
                new StepRequest { Name = "build", Args = build, Limits = limits },
                new StepRequest { Name = "run", Args = run, Stdin = Encoding.UTF8.GetBytes(Numbers), Limits = limits },
            ],
        };
        return await (await fixture.EngineAsync()).RunAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Once a run of the tests: the packages come from Debian's mirror, which takes its time.</summary>
    private async Task ImportAsync(string recipe)
    {
        await fixture.EngineAsync();
        await Imported.OnceAsync(recipe, async () =>
        {
            var request = new RecipeBook([$"{Repository.Root}/images"]).Find(recipe);
            var importer = new ImageImporter(new ImageStore(fixture.Layout.ImagesDirectory), fixture.Layout.StagingDirectory);
            await importer.ImportAsync(request, progress: null, TestContext.Current.CancellationToken);
        });
    }
}
