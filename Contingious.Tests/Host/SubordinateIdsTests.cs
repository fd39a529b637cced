using Contingious.Engine.Host;

namespace Contingious.Tests.Host;

public sealed class SubordinateIdsTests
{
    private const long Block = SubordinateIds.Block;

    [Fact]
    public void Lines_that_are_no_range_are_nobodys()
    {
        var ranges = SubordinateIds.Parse(["# a comment", "", "a:100000:65536", "b:1000", "c:x:5", "d:5:0", ":1:2", "e:1:2:3", "f:-1:4", " g : 7 : 8 "]);

        Assert.Equal([new("a", 100000, 65536), new(" g ", 7, 8)], ranges);
    }

    [Fact]
    public void Numbers_are_read_as_the_shadow_tools_read_them()
    {
        var ranges = SubordinateIds.Parse(["a:0x186A0:0x10000", "b:0303240:0200000", "c:0:5", "d:08:1", "e:99999999999999999999:1"]);

        Assert.Equal([new("a", 100000, 65536), new("b", 100000, 65536), new("c", 0, 5)], ranges);
    }

    [Fact]
    public void An_account_owns_ranges_by_name_and_by_uid()
    {
        var ranges = SubordinateIds.Parse(["teacher:100000:10", "1234:200000:20", "12345:300000:40", "teacher2:400000:80"]);

        Assert.Equal(30, SubordinateIds.Total(ranges, "teacher", 1234));
        Assert.Equal(10, SubordinateIds.Total(ranges, "teacher", null));
    }

    [Fact]
    public void Ids_that_are_listed_twice_count_once() =>
        Assert.Equal(150, SubordinateIds.Total([new("a", 1000, 100), new("a", 1000, 100), new("a", 1050, 100), new("b", 0, 5000)], "a", null));

    [Theory]
    [InlineData(0, 65 * Block)]
    [InlineData(Block, 64 * Block)]
    [InlineData(65 * Block, 0)]
    [InlineData(1000 * Block, 0)]
    [InlineData(64 * Block, Block)]
    [InlineData(1000, 66 * Block)]
    public void What_is_missing_is_whole_blocks_and_odd_ids_are_not_counted_on(long total, long missing) =>
        Assert.Equal(missing, SubordinateIds.Missing(total));

    [Theory]
    [InlineData("", 100_000)]
    [InlineData("a:0:5", 100_000)]
    [InlineData("a:100000:65536", 165_536)]
    [InlineData("a:99999:1", 100_000)]
    [InlineData("a:99999:2", 100_001)]
    [InlineData("a:100999:1", 101_000)]
    [InlineData("a:101000:1", 100_000)]
    [InlineData("b:300000:10 a:100000:65536", 165_536)]
    [InlineData("a:100500:10 b:101000:10 c:102010:5", 101_010)]
    [InlineData("a:100000:900000 b:200000:10", 1_000_000)]
    public void The_first_gap_that_is_large_enough_is_taken(string lines, long first) =>
        Assert.Equal(first, SubordinateIds.FirstFree(SubordinateIds.Parse(lines.Split(' ')), 1000));

    [Fact]
    public void Whatever_is_taken_the_new_range_overlaps_nothing()
    {
        var random = new Random(20261121);
        for (var round = 0; round < 500; round++)
        {
            List<SubordinateRange> taken = [.. Enumerable.Range(0, random.Next(30)).Select(_ => new SubordinateRange("x", random.Next(50_000, 400_000), random.Next(1, 70_000)))];
            var count = random.Next(1, 100_000);

            var first = SubordinateIds.FirstFree(taken, count);

            Assert.DoesNotContain(taken, range => range.First < first + count && first < range.End);
            Assert.True(first >= 100_000);
        }
    }

    [Fact]
    public void A_full_host_is_refused_and_never_given_ids_above_2_to_the_31()
    {
        SubordinateRange[] all = [new("x", 0, (1L << 31) - 1000)];

        Assert.Equal((1L << 31) - 1000, SubordinateIds.FirstFree(all, 1000));
        Assert.Throws<Contingious.Engine.HostNotReadyException>(() => SubordinateIds.FirstFree(all, 1001));
    }
}
