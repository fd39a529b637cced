using Contingious.Agent.Cli;

return CommandLine.Run(args);
