using Contingious.Importer.Oci;

namespace Contingious.Importer.Sources;

/// <summary>What a source has to work with.</summary>
/// <param name="Staging">Where everything that it writes goes.</param>
/// <param name="Limits">What it may cost.</param>
/// <param name="Platform">What was asked for, if anything.</param>
/// <param name="Registry">How registries are spoken to.</param>
/// <param name="Progress">Told what goes on, a line each.</param>
internal sealed record FetchContext(StagingArea Staging, ImportLimits Limits, Platform? Platform, RegistryAccess Registry, IProgress<string>? Progress);
