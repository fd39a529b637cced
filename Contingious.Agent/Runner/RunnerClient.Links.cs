using System.Security.Cryptography;
using Contingious.Agent.Work;
using Contingious.Engine;
using Contingious.Engine.Linux;
using Microsoft.Extensions.Logging;

namespace Contingious.Agent.Runner;

/// <summary>How a client finds its runners, and starts one.</summary>
internal sealed partial class RunnerClient
{
    // Runners that live and did not answer.
    private readonly HashSet<string> givenUp = new(StringComparer.Ordinal);

    /// <summary>The runner that takes new jobs. Where there is none it is looked for, then started.</summary>
    private async Task<RunnerLink> ActiveAsync(CancellationToken cancellation)
    {
        if (Live() is { } live) return live;
        await connecting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (Live() is { } found) return found;
            Directory.CreateDirectory(options.Place.SocketDirectory, RunnerPlace.Closed);
            using var alone = await FileLock.ClaimAsync(options.Place.StartLockFile, cancellation).ConfigureAwait(false);
            var silent = await FindAsync([], cancellation).ConfigureAwait(false);
            return Live() ?? await StartAsync(silent, cancellation).ConfigureAwait(false);
        }
        finally
        {
            connecting.Release();
        }
    }

    /// <summary>Connects to the runners that there are, and lets go of those that are gone.</summary>
    /// <param name="except">Runners that are not asked.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What is to be said of those that do not answer.</returns>
    private async Task<string?> FindAsync(IReadOnlyCollection<string> except, CancellationToken cancellation)
    {
        string? silent = null;
        await LetGoAsync().ConfigureAwait(false);

        // What is left of the sockets of those that are gone is removed on the way.
        var known = Links().Select(link => link.Id).Concat(except).ToHashSet(StringComparer.Ordinal);
        foreach (var id in options.Place.Ids().Where(id => !known.Contains(id)))
        {
            RunnerLink? found;
            try
            {
                found = await RunnerLink.ConnectAsync(options.Place, id, options.Agent, logger, cancellation).ConfigureAwait(false);
            }
            catch (ContingiousException error)
            {
                // Where it has retired another one can take its place; else that one says so.
                logger.RunnerLeftAside(id, error.Message);
                silent = error.Message;
                lock (access) givenUp.Add(id);
                continue;
            }

            if (found is not { } link) continue;
            var isOther = link.Runner.Retiring || link.Runner.Fingerprint != options.Fingerprint || link.Runner.Protocol != Frame.ProtocolVersion;
            logger.RunnerFound(id, link.Runner.Pid, isOther);
            lock (access)
            {
                if (isOther) retiring.Add(link);
                else active = link;
                givenUp.Remove(id);
            }

            if (!isOther) continue;
            try
            {
                // It answers for what it runs, and leaves its place to the one that is started now.
                await link.AskSoonAsync(FrameKind.Retire, fields: null, told: null, options.AnswerPatience, cancellation).ConfigureAwait(false);
            }
            catch (RunnerLostException error)
            {
                if (link.IsGivenUp) silent = error.Message;
            }
        }

        return silent;
    }

    /// <summary>
    /// The runners that take no new jobs. One whose connection was lost while it lives, such as one that this agent did not read from for too long, is found again;
    /// one that did not answer is not asked again, for it would hold each job up.
    /// </summary>
    private async Task<RunnerLink[]> RetiringAsync(CancellationToken cancellation)
    {
        if (!IsAnyLost()) return Retiring();
        await connecting.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (!IsAnyLost()) return Retiring();
            string[] except;
            lock (access) except = [.. givenUp, .. retiring.Where(link => link.IsGivenUp).Select(link => link.Id)];
            await FindAsync(except, cancellation).ConfigureAwait(false);
            return Retiring();
        }
        finally
        {
            connecting.Release();
        }
    }

    private bool IsAnyLost()
    {
        lock (access) return retiring.Exists(link => link.IsGone);
    }

    private async Task LetGoAsync()
    {
        RunnerLink[] gone;
        lock (access)
        {
            gone = [.. Links().Where(link => link.IsGone)];
            retiring.RemoveAll(link => link.IsGone);
            if (active is { IsGone: true }) active = null;
            foreach (var link in gone.Where(link => link.IsGivenUp)) givenUp.Add(link.Id);
        }

        foreach (var link in gone) await link.DisposeAsync().ConfigureAwait(false);
    }

    private async Task<RunnerLink> StartAsync(string? silent, CancellationToken cancellation)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(options.StartPatience);
        try
        {
            await options.Start(id, patience.Token).ConfigureAwait(false);

            // Looked for often at first, and then seldom enough not to be in its way on a slow host.
            for (var pause = shortestPause; ; pause = pause < longestPause ? pause * 1.5 : longestPause)
            {
                if (await RunnerLink.ConnectAsync(options.Place, id, options.Agent, logger, patience.Token).ConfigureAwait(false) is { } link)
                {
                    logger.RunnerStarted(id);
                    lock (access) active = link;
                    return link;
                }

                if (TakeFailure(id) is { } reason) throw new ContingiousException($"The runner did not start: {reason}{(silent is null ? "" : $" {silent}")}");
                await Task.Delay(pause, patience.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException error) when (!cancellation.IsCancellationRequested)
        {
            throw new ContingiousException($"The runner did not start within {options.StartPatience.TotalSeconds} s. Its log is {options.Place.LogFile}.{(silent is null ? "" : $" {silent}")}", error);
        }
    }

    private string? TakeFailure(string id)
    {
        var path = options.Place.FailureFile(id);
        if (!File.Exists(path)) return null;
        var reason = File.ReadAllText(path);
        File.Delete(path);
        return reason;
    }

    private RunnerLink? Live()
    {
        lock (access) return active is { IsGone: false } ? active : null;
    }

    private void StepAside(RunnerLink link)
    {
        lock (access)
        {
            if (active != link) return;
            active = null;
            retiring.Add(link);
        }
    }

    private RunnerLink[] Retiring()
    {
        lock (access) return [.. retiring.Where(link => !link.IsGone)];
    }

    private RunnerLink[] Links()
    {
        lock (access) return active is null ? [.. retiring] : [active, .. retiring];
    }
}
