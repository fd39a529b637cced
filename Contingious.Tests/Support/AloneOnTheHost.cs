namespace Contingious.Tests.Support;

/// <summary>Tests that compare the whole host before and after, or stop what others share: never beside another test.</summary>
[CollectionDefinition(nameof(AloneOnTheHost), DisableParallelization = true)]
public sealed class AloneOnTheHost;
