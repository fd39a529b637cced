using Contingious.Engine.Images;
using Contingious.Engine.Model;

namespace Contingious.Engine.Sandboxes;

/// <summary>The images of one job, in use from its beginning to its end: a name means the same image in every step.</summary>
internal sealed class JobImages : IDisposable
{
    private readonly Dictionary<string, ImageLease> leases = new(StringComparer.Ordinal);
    private readonly string ofJob;

    private JobImages(string ofJob) => this.ofJob = ofJob;

    /// <summary>The image that the job itself names.</summary>
    public Image OfJob => leases[ofJob].Image;

    /// <exception cref="ImageUnavailableException">One is not imported here; <see cref="ImageUnavailableException.Field"/> says which.</exception>
    public static JobImages Lease(ImageStore store, RunRequest request)
    {
        var images = new JobImages(request.Image);
        try
        {
            images.Add(store, request.Image, "image");
            for (var i = 0; i < request.Steps.Count; i++)
            {
                if (request.Steps[i].Image is { } own) images.Add(store, own, $"steps[{i}].image");
            }

            return images;
        }
        catch
        {
            images.Dispose();
            throw;
        }
    }

    public Image Of(StepRequest step) => leases[step.Image ?? ofJob].Image;

    public void Dispose()
    {
        foreach (var lease in leases.Values) lease.Dispose();
    }

    private void Add(ImageStore store, string name, string field)
    {
        if (leases.ContainsKey(name)) return;
        try
        {
            leases[name] = store.Lease(name);
        }
        catch (ImageUnavailableException error) when (field != "image")
        {
            throw new ImageUnavailableException(name, error.Message, field);
        }
    }
}
