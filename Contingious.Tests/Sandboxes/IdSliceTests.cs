using Contingious.Engine.Linux;
using Contingious.Engine.Sandboxes;

namespace Contingious.Tests.Sandboxes;

public sealed class IdSliceTests
{
    private const uint Block = IdSlice.Size;

    [Fact]
    public void One_long_range_leaves_all_but_the_images_own_ids()
    {
        var map = IdMap.Parse(["0 994 1", $"1 5000000 {65 * Block}"]);
        var slices = IdSlice.FirstIds(map, map);
        Assert.Equal(64, slices.Count);
        Assert.Equal(Block, slices[0]);
    }

    [Fact]
    public void A_slice_never_straddles_two_ranges()
    {
        // What useradd gave first, and what setup added to it.
        var map = IdMap.Parse(["         0       1000          1", $"1 100000 {Block}", $"{1 + Block} 9519680 {64 * Block}"]);
        var slices = IdSlice.FirstIds(map, map);
        Assert.Equal(64, slices.Count);
        Assert.Equal(1 + Block, slices[0]);
        Assert.All(slices, first => Assert.Single(map, extent => first >= extent.Inside && first + Block <= extent.Inside + extent.Count));
    }

    [Fact]
    public void Uids_and_gids_that_are_cut_differently_are_both_respected()
    {
        var uids = IdMap.Parse([$"0 0 {3 * Block}", $"{3 * Block} 900000 {2 * Block}"]);
        var gids = IdMap.Parse([$"0 0 {(2 * Block) + 5}", $"{(2 * Block) + 5} 900000 {2 * Block}"]);
        Assert.Equal([Block, 3 * Block], IdSlice.FirstIds(uids, gids));
    }

    [Theory]
    [InlineData("0 1000 1")]
    [InlineData("0 1000 65536")]
    [InlineData("0 1000 131071")]
    public void Too_few_ids_make_no_slice(string line)
    {
        var map = IdMap.Parse([line]);
        Assert.Empty(IdSlice.FirstIds(map, map));
    }

    [Fact]
    public void An_id_is_found_outside()
    {
        var map = IdMap.Parse(["0 994 1", "1 5000000 100"]);
        Assert.Equal([994, 5000000, 5000099, 500], new uint[] { 0, 1, 100, 500 }.Select(id => IdMap.ToOutside(map, id)));
    }
}
