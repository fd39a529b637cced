using Contingious.Agent.Runner;
using Contingious.Engine.Model;
using Contingious.Tests.Support;

namespace Contingious.Tests.Runner;

public sealed class JournalTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("ctg-journal-").FullName;
    private readonly ListLogger<JournalTests> log = new();

    private string Results => $"{root}/results";

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void What_was_kept_is_found_by_the_next_runner_and_the_job_until_it_is_settled()
    {
        var order = Keep(Open(), "a", 10);
        var next = Open();
        Assert.Equal((Outcome.NonZeroExit, 10), (next.Find(order.Key)?.Outcome, next.Find(order.Key)?.Result.Length));
        var unsettled = Assert.Single(next.Unsettled());
        Assert.Equal((order.Key, order.Class, order.TraceParent), (unsettled.Key, unsettled.Class, unsettled.TraceParent));
        Assert.Equal(order.Message.ToArray(), unsettled.Message.ToArray());
        next.Settle(order.Key);
        Assert.Empty(next.Unsettled());
        Assert.Empty(Open().Unsettled());
        Assert.NotNull(Open().Find(order.Key));
        Assert.Empty(Directory.EnumerateFiles(Results, "*.job"));
    }

    [Fact]
    public void A_result_that_another_runner_kept_meanwhile_is_found()
    {
        var journal = Open();
        var order = Keep(Open(), "a", 10);
        Assert.NotNull(journal.Find(order.Key));
    }

    [Fact]
    public void Only_the_owner_can_read_it()
    {
        Keep(Open(), "a", 10);
        Assert.Equal(RunnerPlace.Closed, File.GetUnixFileMode(Results));
        Assert.All(Directory.EnumerateFiles(Results), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public void A_torn_file_is_noticed_wherever_it_is_torn_set_aside_and_said()
    {
        var order = Keep(Open(), "torn", 40);
        var path = Assert.Single(Directory.EnumerateFiles(Results, "*.result"));
        var whole = File.ReadAllBytes(path);
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(path, whole[..length]);
            Assert.Null(Open().Find(order.Key));
            Assert.False(File.Exists(path));
        }

        Assert.NotEmpty(Directory.EnumerateFiles($"{root}/damaged"));
        Assert.Contains($"journal file {path} is set aside", log.Text, StringComparison.Ordinal);
        File.WriteAllBytes(path, whole);
        Assert.NotNull(Open().Find(order.Key));
    }

    [Fact]
    public void A_flipped_bit_is_noticed_wherever_it_is()
    {
        var order = Keep(Open(), "flipped", 40);
        var path = Assert.Single(Directory.EnumerateFiles(Results, "*.result"));
        var whole = File.ReadAllBytes(path);
        for (var at = 0; at < whole.Length; at++)
        {
            var flipped = whole.ToArray();
            flipped[at] ^= 0x10;
            File.WriteAllBytes(path, flipped);
            Assert.Null(Open().Find(order.Key));
        }
    }

    [Fact]
    public void A_job_file_that_is_torn_is_not_adopted_and_its_result_stays()
    {
        var order = Keep(Open(), "a", 10);
        var path = Assert.Single(Directory.EnumerateFiles(Results, "*.job"));
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..20]);
        var journal = Open();
        Assert.Empty(journal.Unsettled());
        Assert.NotNull(journal.Find(order.Key));
    }

    [Fact]
    public void Strange_files_are_set_aside_and_half_written_ones_removed()
    {
        Open();
        File.WriteAllText($"{Results}/notes.txt", "mine");
        Directory.CreateDirectory($"{Results}/directory");
        File.WriteAllText($"{Results}/{new string('a', 40)}.result.new", "half");
        File.WriteAllText($"{Results}/{new string('a', 40)}.job", "its result was never written");
        Open();
        Assert.Empty(Directory.EnumerateFileSystemEntries(Results));
        Assert.Equal(["directory", "notes.txt"], Directory.EnumerateFileSystemEntries($"{root}/damaged").Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Beyond_its_bounds_settled_results_go_first_and_then_the_oldest()
    {
        var journal = Open(new JournalBounds { MostResults = 3 });
        var orders = Enumerable.Range(0, 4).Select(i => RunnerTicket($"job-{i}")).ToList();
        for (var i = 0; i < 3; i++) journal.Keep(orders[i], Outcome.Ok, new byte[10]);
        journal.Settle(orders[1].Key);
        journal.Keep(orders[3], Outcome.Ok, new byte[10]);
        Assert.Equal([true, false, true, true], orders.Select(order => journal.Find(order.Key) is not null));
        journal.Keep(RunnerTicket("job-4"), Outcome.Ok, new byte[10]);
        Assert.Equal([false, false, true, true], orders.Select(order => journal.Find(order.Key) is not null));
        Assert.Equal(6, Directory.EnumerateFiles(Results).Count());
    }

    [Fact]
    public void It_is_bounded_in_bytes_too_also_when_it_is_opened()
    {
        var journal = Open(new JournalBounds { MostBytes = ByteSize.FromKiB(100) });
        for (var i = 0; i < 20; i++) Keep(journal, $"job-{i}", 20 << 10);
        Assert.InRange(Directory.EnumerateFiles(Results).Sum(file => new FileInfo(file).Length), 1, 100 << 10);
        Open(new JournalBounds { MostBytes = ByteSize.FromKiB(30) });
        Assert.InRange(Directory.EnumerateFiles(Results).Sum(file => new FileInfo(file).Length), 1, 30 << 10);
    }

    [Fact]
    public void Settled_results_go_after_their_time()
    {
        var journal = Open(new JournalBounds { SettledFor = TimeSpan.Zero });
        var (settled, other) = (Keep(journal, "a", 10), Keep(journal, "b", 10));
        journal.Settle(settled.Key);
        journal.Evict(alsoExpired: true);
        Assert.Null(journal.Find(settled.Key));
        Assert.NotNull(journal.Find(other.Key));
    }

    [Fact]
    public void What_the_disk_does_not_take_is_kept_in_memory()
    {
        var journal = Open();
        Directory.Delete(Results, recursive: true);
        File.WriteAllText(Results, "no directory");
        var order = Keep(journal, "a", 10);
        Assert.Equal(10, journal.Find(order.Key)?.Result.Length);
        Assert.Equal(order.Key, Assert.Single(journal.Unsettled()).Key);
        Assert.Contains("results are held in memory", log.Text, StringComparison.Ordinal);
        journal.Settle(order.Key);
        Assert.Empty(journal.Unsettled());
    }

    [Fact]
    public void What_is_held_in_memory_is_bounded_whole_also_where_the_disk_took_the_job_alone()
    {
        var journal = Open(new JournalBounds { MostBytes = ByteSize.FromKiB(100) });
        var orders = Enumerable.Range(0, 20).Select(i => JobOrder.Of(RunnerScene.Ticket($"job-{i}", "true", new string('x', 10 << 10)))).ToList();
        foreach (var order in orders)
        {
            Directory.CreateDirectory($"{Results}/{Journal.NameOf(order.Key)}.result");
            journal.Keep(order, Outcome.Ok, new byte[10 << 10]);
        }

        Assert.Contains("results are held in memory", log.Text, StringComparison.Ordinal);
        Assert.InRange(orders.Count(order => journal.Find(order.Key) is not null), 3, 5);
        Assert.NotNull(journal.Find(orders[^1].Key));
    }

    [Fact]
    public void A_job_during_which_two_runners_died_is_known_by_it()
    {
        var (guilty, other) = (RunnerTicket("guilty").Key, RunnerTicket("other").Key);
        for (var death = 0; death <= 2; death++)
        {
            using var crashes = CrashJournal.Open(root, $"r{death}", log);
            Assert.Equal((death, 0), (crashes.DeathsOf(guilty), crashes.DeathsOf(other)));
            crashes.Begin(other);
            crashes.End(other, acquit: true);
            crashes.Begin(guilty);
        }
    }

    [Fact]
    public void The_jobs_of_a_runner_that_lives_are_not_counted()
    {
        var key = RunnerTicket("running").Key;
        using var alive = CrashJournal.Open(root, "alive", log);
        alive.Begin(key);
        using (var other = CrashJournal.Open(root, "other", log)) Assert.Equal(0, other.DeathsOf(key));
        alive.End(key, acquit: true);
    }

    [Fact]
    public void A_job_that_ends_by_itself_is_acquitted_and_one_that_is_given_up_is_not()
    {
        var key = RunnerTicket("acquitted").Key;
        using (var dies = CrashJournal.Open(root, "dies", log)) dies.Begin(key);
        using var crashes = CrashJournal.Open(root, "next", log);
        crashes.Begin(key);
        crashes.End(key, acquit: false);
        Assert.Equal(1, crashes.DeathsOf(key));
        crashes.Begin(key);
        crashes.End(key, acquit: true);
        Assert.Equal(0, crashes.DeathsOf(key));
    }

    private static JobOrder RunnerTicket(string id) => JobOrder.Of(RunnerScene.Ticket(id));

    private static JobOrder Keep(Journal journal, string id, int bytes)
    {
        var order = RunnerTicket(id);
        journal.Keep(order, Outcome.NonZeroExit, new byte[bytes]);
        return order;
    }

    private Journal Open(JournalBounds? bounds = null) => Journal.Open(root, bounds ?? new JournalBounds(), TimeProvider.System, log);
}
