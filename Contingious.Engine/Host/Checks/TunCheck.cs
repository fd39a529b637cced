using Contingious.Engine.Host.SetupActions;
using Contingious.Engine.Linux;

namespace Contingious.Engine.Host.Checks;

/// <summary>The device through which slirp4netns gives a sandbox a network.</summary>
internal static class TunCheck
{
    private const string Check = "network";

    public static IEnumerable<Finding> Run(Examined host)
    {
        var device = host.Root.TryStatus(OpenTunDevice.Path);
        yield return device switch
        {
            null => Finding.Notice(Check, $"{OpenTunDevice.Path} does not exist: sandboxes have no network.", host.Setup),
            { Kind: FileKind.CharacterDevice } found when host.Account is null || host.MayWrite(host.Account, found) => Finding.Ok(Check, $"{OpenTunDevice.Path} can be opened."),
            _ => Finding.Notice(Check, $"{OpenTunDevice.Path} cannot be opened by {host.AccountName}: sandboxes have no network.", host.Setup),
        };
    }
}
