using System.Security.Cryptography;
using Contingious.Agent.Wire;
using Contingious.Engine.Model;

namespace Contingious.Agent.Work;

/// <summary>
/// What is running and what was answered lately, by job id, attempt and content: a job that is delivered twice is run once.
/// The oldest results go first, when there are too many or they are too large together.
/// </summary>
internal sealed class ResultMemory(int mostResults, ByteSize mostBytes)
{
    private readonly Lock access = new();
    private readonly Dictionary<JobKey, Task<ReadOnlyMemory<byte>>> running = [];
    private readonly Dictionary<JobKey, LinkedListNode<Answer>> answered = [];
    private readonly LinkedList<Answer> byAge = [];
    private long bytes;

    /// <summary>Answers with what is known, waits for what runs, or runs. A run that throws is forgotten, and throws for all who wait for it.</summary>
    /// <param name="key">Names the job.</param>
    /// <param name="run">Makes the encoded result.</param>
    /// <param name="onRepeat">Called where nothing is run.</param>
    public Task<ReadOnlyMemory<byte>> GetOrRunAsync(JobKey key, Func<Task<ReadOnlyMemory<byte>>> run, Action onRepeat)
    {
        TaskCompletionSource<ReadOnlyMemory<byte>> mine;
        lock (access)
        {
            if (Find(key) is { } known)
            {
                onRepeat();
                return known;
            }

            mine = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
            running.Add(key, mine.Task);
        }

        _ = FinishAsync(key, run, mine);
        return mine.Task;
    }

    private Task<ReadOnlyMemory<byte>>? Find(JobKey key)
    {
        if (running.TryGetValue(key, out var task)) return task;
        if (!answered.TryGetValue(key, out var node)) return null;
        byAge.Remove(node);
        byAge.AddLast(node);
        return Task.FromResult(node.Value.Result);
    }

    private async Task FinishAsync(JobKey key, Func<Task<ReadOnlyMemory<byte>>> run, TaskCompletionSource<ReadOnlyMemory<byte>> mine)
    {
        try
        {
            var result = await run().ConfigureAwait(false);
            lock (access)
            {
                running.Remove(key);
                Remember(key, result);
            }

            mine.SetResult(result);
        }
        catch (Exception error)
        {
            lock (access) running.Remove(key);
            if (error is OperationCanceledException cancelled) mine.SetCanceled(cancelled.CancellationToken);
            else mine.SetException(error);
        }
    }

    private void Remember(JobKey key, ReadOnlyMemory<byte> result)
    {
        answered[key] = byAge.AddLast(new Answer(key, result));
        bytes += result.Length;
        while (byAge.First is { } oldest && (byAge.Count > mostResults || bytes > mostBytes.Bytes))
        {
            byAge.RemoveFirst();
            answered.Remove(oldest.Value.Key);
            bytes -= oldest.Value.Result.Length;
        }
    }

    private sealed record Answer(JobKey Key, ReadOnlyMemory<byte> Result);
}

/// <summary>
/// Which job a message is: its id and attempt, and what it asks for. Another job that was given the same id by mistake
/// is another job: nobody is answered with somebody else's result.
/// </summary>
internal readonly record struct JobKey(string JobId, int Attempt, string Content)
{
    public static JobKey Of(Job job, ReadOnlyMemory<byte> message) => new(job.JobId, job.Attempt, Convert.ToHexStringLower(SHA256.HashData(message.Span)));
}
