using Contingious.Engine.Linux;

namespace Contingious.Engine.Images;

/// <summary>An image that is in use: while it is held, nothing removes or replaces the image's directory.</summary>
public sealed class ImageLease : IDisposable, IAsyncDisposable
{
    private readonly FileLock held;

    internal ImageLease(Image image, FileLock held)
    {
        Image = image;
        this.held = held;
    }

    /// <summary>It, without the names that point to it now: finding those takes a look at every name, which a job has no use for.</summary>
    public Image Image { get; }

    public void Dispose() => held.Dispose();

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
