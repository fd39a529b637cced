namespace Contingious.Engine.Model;

/// <summary>A sandbox that is live now.</summary>
/// <param name="Name">The sandbox's name, <c>ctg-JOB-ATTEMPT</c>.</param>
/// <param name="Container">The id of the container that it runs now, if any.</param>
/// <param name="Pid">The container's first process, as the host numbers it.</param>
/// <param name="Processes">Processes in its cgroup, the runtime's own included.</param>
/// <param name="CpuTime">Used by all its steps so far.</param>
public sealed record LiveSandbox(string Name, string? Container, int? Pid, int Processes, TimeSpan CpuTime);
