using Contingious.Agent.Cli;

return await CommandTree.RunAsync(args).ConfigureAwait(false);
