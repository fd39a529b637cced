using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Contingious.Engine.Storage;

/// <summary>
/// Work that makes more work, and the threads that take it, newest first: the owner's own, and helpers of the thread pool
/// once it asks for them. Helpers that come too late, or never, keep nobody waiting.
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
    }

    /// <summary>Asks for threads beside the owner's.</summary>
    public void Hire(int helpers)
    {
        for (var i = 0; i < helpers; i++) ThreadPool.UnsafeQueueUserWorkItem(static pile => pile.Take(), this, preferLocal: false);
    }

    /// <summary>Does all of it, and returns when nobody is at any of it any longer.</summary>
    /// <exception cref="Exception">The first that a piece of work threw.</exception>
    public void Run()
    {
        Take();
        failure?.Throw();
    }

    /// <summary>Ends it: what is on the pile is only let go of.</summary>
    public void Fail(Exception error) => Interlocked.CompareExchange(ref failure, ExceptionDispatchInfo.Capture(error), null);

    private void Take()
    {
        while (TryTake(out var piece))
        {
            if (!IsFailed) Try(work, piece);
            Try(letGo, piece);
            lock (access) busy--;
        }
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

    /// <summary>Waits for a piece, of which there can be some as long as anybody is busy.</summary>
    private bool TryTake([MaybeNullWhen(false)] out T piece)
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
                if (isClosed) Monitor.PulseAll(access);
                else Monitor.Wait(access);
            }

            piece = default;
            return false;
        }
    }
}
