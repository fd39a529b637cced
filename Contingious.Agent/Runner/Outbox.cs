using Contingious.Engine.Model;

namespace Contingious.Agent.Runner;

/// <summary>
/// Frames that wait to be sent over one connection. Posting never waits: where output events pile up the oldest are dropped, and where anything else does the connection is
/// given up, since all that matters is in the journal. Only who can wait, and has much to say, waits for room.
/// </summary>
/// <param name="mostOutput">Output events that wait at most.</param>
/// <param name="mostOther">What else waits at most; one frame may always.</param>
internal sealed class Outbox(ByteSize mostOutput, ByteSize mostOther) : IDisposable
{
    private readonly Lock access = new();
    private readonly LinkedList<(byte[] Frame, bool IsOutput)> waiting = new();
    private readonly SemaphoreSlim posted = new(0);
    private long outputBytes;
    private long otherBytes;
    private TaskCompletionSource? room;
    private bool completed;

    /// <summary>How many frames were dropped.</summary>
    public long Dropped { get; private set; }

    /// <returns>False where so much waits already that the reader cannot be there any more.</returns>
    public bool Post(byte[] frame, bool isOutput = false)
    {
        lock (access)
        {
            if (completed) return true;
            if (!isOutput && otherBytes > 0 && otherBytes + frame.Length > mostOther.Bytes) return false;
            waiting.AddLast((frame, isOutput));
            if (isOutput) outputBytes += frame.Length;
            else otherBytes += frame.Length;
            for (var node = waiting.First; node is not null && outputBytes > mostOutput.Bytes;)
            {
                var next = node.Next;
                if (node.Value.IsOutput)
                {
                    outputBytes -= node.Value.Frame.Length;
                    waiting.Remove(node);
                    Dropped++;
                }

                node = next;
            }
        }

        posted.Release();
        return true;
    }

    /// <summary>As <see cref="Post"/>, when at most a quarter of what may wait does, so that room is left for what cannot wait.</summary>
    public async Task PostInTurnAsync(byte[] frame, CancellationToken cancellation)
    {
        while (true)
        {
            Task more;
            lock (access)
            {
                if (completed) return;
                if (otherBytes <= mostOther.Bytes / 4 && Post(frame)) return;
                room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                more = room.Task;
            }

            await more.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Nothing more will be posted: what waits can still be taken.</summary>
    public void Complete()
    {
        lock (access)
        {
            if (completed) return;
            completed = true;
            room?.TrySetResult();
        }

        posted.Release();
    }

    /// <summary>The next frame; nothing at the end.</summary>
    public async Task<byte[]?> TakeAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await posted.WaitAsync(cancellation).ConfigureAwait(false);
            lock (access)
            {
                // A frame that was dropped has left its count behind.
                if (waiting.First is { } first)
                {
                    waiting.RemoveFirst();
                    if (first.Value.IsOutput) outputBytes -= first.Value.Frame.Length;
                    else otherBytes -= first.Value.Frame.Length;
                    room?.TrySetResult();
                    room = null;
                    return first.Value.Frame;
                }

                if (completed) return null;
            }
        }
    }

    public void Dispose() => posted.Dispose();
}
