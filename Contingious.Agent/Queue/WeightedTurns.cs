using Contingious.Agent.Wire;

namespace Contingious.Agent.Queue;

/// <summary>
/// Whose turn it is: smooth weighted round robin over the classes that have jobs. While they all have some, of as many jobs as the sum of the
/// weights each class gets exactly its weight, spread evenly. A class that had nothing saves no turns up, but is asked again as if it had.
/// Not for several threads.
/// </summary>
internal sealed class WeightedTurns(IReadOnlyDictionary<JobClass, int> weights)
{
    private readonly Dictionary<JobClass, long> credit = weights.Keys.ToDictionary(ofClass => ofClass, _ => 0L);
    private readonly HashSet<JobClass> hadNothing = [];

    /// <summary>The classes in the order in which to ask them.</summary>
    public IReadOnlyList<JobClass> Order() => [.. credit.Keys.OrderByDescending(ofClass => credit[ofClass] + weights[ofClass]).ThenBy(ofClass => ofClass)];

    /// <summary>It was asked, and had nothing.</summary>
    public void HadNothing(JobClass ofClass)
    {
        credit[ofClass] = -weights[ofClass];
        hadNothing.Add(ofClass);
    }

    /// <summary>A job of it was taken: the end of a turn.</summary>
    public void Took(JobClass taken)
    {
        hadNothing.Remove(taken);
        foreach (var (ofClass, weight) in weights) credit[ofClass] += weight;
        // Only those that have jobs pay for a turn, or the shares of the others would not be their weights.
        credit[taken] -= weights.Where(each => !hadNothing.Contains(each.Key)).Sum(each => (long)each.Value);
    }
}
