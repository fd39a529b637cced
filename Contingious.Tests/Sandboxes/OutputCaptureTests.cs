using Contingious.Engine.Sandboxes;

namespace Contingious.Tests.Sandboxes;

public sealed class OutputCaptureTests
{
    [Theory]
    [InlineData(0, 10)]
    [InlineData(8, 0)]
    [InlineData(8, 8)]
    [InlineData(8, 9)]
    [InlineData(8, 100)]
    [InlineData(100, 7)]
    [InlineData(7, 23)]
    [InlineData(3, 1000)]
    public void The_first_three_quarters_and_the_last_quarter_are_kept_however_they_arrive(int limit, int produced)
    {
        var all = Enumerable.Range(0, produced).Select(i => (byte)i).ToArray();
        var tail = limit / 4;
        byte[] expected = produced <= limit ? all : [.. all[..(limit - tail)], .. all[^tail..]];
        foreach (var chunk in new[] { 1, 2, 3, 5, 64, 5000 })
        {
            var capture = new OutputCapture(limit);
            foreach (var part in all.Chunk(chunk)) capture.Append(part);
            Assert.Equal(expected, capture.Kept().ToArray());
            Assert.Equal(produced, capture.Produced);
            Assert.Equal(produced > limit, capture.Truncated);
        }
    }
}
