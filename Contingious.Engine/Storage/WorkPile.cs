using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Contingious.Engine.Storage;

/// <summary>
/// Work that makes more work, and the threads that take it, newest first: the owner's own, and helpers of the thread pool
/// once it asks for them. Helpers that come too late, or never, keep nobody waiting; and none of them waits itself, for others need their threads.
/// </summary>
/// <typeparam name="T">A piece of work.</typeparam>
/// <param name="work">Does a piece; not called after a failure.</param>
/// <param name="letGo">Called of every piece in the end, whatever became of it.</param>
internal sealed class WorkPile<T>(Action<T> work, Action<T> letGo)
{
    private readonly object access = new();
    private readonly Stack<T> pile = new();
    private ExceptionDispatchInfo? failure;
    private int busy;
    private int wanted;
    private int helpers;
    private bool isClosed;

    public bool IsFailed => Volatile.Read(ref failure) is not null;

    public int Count => pile.Count;

    public void Push(T piece)
    {
        lock (access)
        {
            pile.Push(piece);
            Monitor.Pulse(access);
        }

        CallHelper();
    }

    /// <summary>Asks for threads beside the owner's, as many as there is work for.</summary>
    public void Hire(int most)
    {
        lock (access) wanted = most;
        for (var i = 0; i < most; i++) CallHelper();
    }

    /// <summary>Does all of it, and returns when nobody is at any of it any longer.</summary>
    /// <exception cref="Exception">The first that a piece of work threw.</exception>
    public void Run()
    {
        while (TryTake(isOwner: true, out var piece)) Do(piece);
        failure?.Throw();
    }

    /// <summary>Ends it: what is on the pile is only let go of.</summary>
    public void Fail(Exception error) => Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(error), null);

    private void CallHelper()
    {
        lock (access)
        {
            if (helpers >= wanted || pile.Count == 0) return;
            helpers++;
        }

        ThreadPool.UnsafeQueueUserWorkItem(static pile => pile.Help(), this, preferLocal: false);
    }

    private void Help()
    {
        while (TryTake(isOwner: false, out var piece)) Do(piece);
    }

    private void Do(T piece)
    {
        if (!IsFailed) Try(work, piece);
        Try(letGo, piece);
        lock (access) busy--;
    }

    private void Try(Action<T> action, T piece)
    {
        try
        {
            action(piece);
        }
#pragma warning disable CA1031 // The owner throws it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            Fail(error);
        }
    }

    /// <summary>Takes a piece. The owner waits for one, of which there can be some as long as anybody is busy; a helper leaves, and another is called when there is more.</summary>
    private bool TryTake(bool isOwner, [MaybeNullWhen(false)] out T piece)
    {
        lock (access)
        {
            while (!isClosed)
            {
                if (pile.TryPop(out piece))
                {
                    busy++;
                    return true;
                }

                isClosed = busy == 0;
                if (isClosed || !isOwner) break;
                Monitor.Wait(access);
            }

            // The owner may be waiting for the last one at work.
            if (!isOwner)
            {
                helpers--;
                Monitor.Pulse(access);
            }

            piece = default;
            return false;
        }
    }
}
