using System.Globalization;
using System.Text;

namespace Contingious.Engine.Programs;

/// <summary>
/// slirp4netns(1): a user-mode network for one container's network namespace. It ends with its container, with this object and with this process
/// (it watches its standard input).
/// </summary>
internal sealed class Slirp : IAsyncDisposable
{
    /// <summary>The DNS forwarder that slirp4netns offers inside (slirp4netns(1)).</summary>
    public const string NameServer = "10.0.2.3";

    private readonly RunningProgram program;
    private bool ended;

    private Slirp(RunningProgram program) => this.program = program;

    /// <summary>Gives a network namespace an interface, an address, a route out and a name server, and returns when they are there.</summary>
    /// <param name="init">The containers' init.</param>
    /// <param name="pid">A process in that namespace.</param>
    /// <param name="joinFiles">The cgroup.procs files to join first.</param>
    /// <exception cref="ContingiousException">There is no way out to be had on this host; the message says why.</exception>
    public static async Task<Slirp> StartAsync(string init, int pid, IReadOnlyList<string> joinFiles, CancellationToken cancellation)
    {
        var target = pid.ToString(CultureInfo.InvariantCulture);
        var program = ProgramRunner.Start(ContainerInit.Join(init, "/dev/stderr", gate: null, joinFiles, [
            "slirp4netns", "--configure", "--mtu=65520", "--disable-host-loopback", "--ready-fd=1", "--exit-fd=0", target, "tap0",
        ]));
        var network = new Slirp(program);
        try
        {
            // One byte when it is up; the end of the stream where it gave up.
            if (await program.Stdout.ReadAsync(new byte[1], cancellation).ConfigureAwait(false) == 1) return network;
            using var complaint = new StreamReader(program.Stderr, Encoding.UTF8);
            var why = (await complaint.ReadToEndAsync(cancellation).ConfigureAwait(false)).Trim();
            throw new ContingiousException($"slirp4netns gave the sandbox no network: {why}. 'contingious doctor' says whether /dev/net/tun can be used.");
        }
        catch
        {
            await network.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (ended) return;
        ended = true;
        program.Kill();
        await program.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        program.Dispose();
    }
}
