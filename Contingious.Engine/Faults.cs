namespace Contingious.Engine;

/// <summary>Our own faults, as opposed to a submission's fate (<see cref="Model.Outcome"/>).</summary>
/// <remarks>Messages are sentences: what, on which path, what to do.</remarks>
public class ContingiousException : Exception
{
    public ContingiousException()
    {
    }

    public ContingiousException(string message)
        : base(message)
    {
    }

    public ContingiousException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A stage of the main path failed for a reason that is not the submission's.</summary>
public sealed class StageException(Stage stage, string message, Exception? cause = null)
    : ContingiousException($"{stage}: {message}", cause)
{
    public Stage Stage { get; } = stage;
}

/// <summary>The request is wrong; <see cref="Field"/> says where.</summary>
public sealed class RejectedRequestException(string field, string message) : ContingiousException(message)
{
    public string Field { get; } = field;
}

/// <summary>No such image is imported here.</summary>
public sealed class ImageUnavailableException(string image, string message, string field = "image") : ContingiousException(message)
{
    public string Image { get; } = image;

    /// <summary>The part of the request that names it.</summary>
    public string Field { get; } = field;
}

/// <summary>The host has no room for one more sandbox now, or none by that name, and will have when another one ends: nothing is wrong with the job, nor with the host.</summary>
public sealed class CapacityException(string message) : ContingiousException(message);

/// <summary>The host lacks something; the message names the command that mends it.</summary>
public sealed class HostNotReadyException(string message, Exception? cause = null) : ContingiousException(message, cause);
