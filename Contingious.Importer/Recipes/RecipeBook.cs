using Contingious.Engine;
using Contingious.Engine.Images;

namespace Contingious.Importer.Recipes;

/// <summary>The directories that hold recipes, <c>NAME/image.json</c>; the first that has a name wins.</summary>
public sealed class RecipeBook(IReadOnlyList<string> directories)
{
    /// <summary>A list of directories with colons between them, looked in first.</summary>
    public const string Variable = "CONTINGIOUS_IMAGES";

    private const string Installed = "/usr/share/contingious/images";

    /// <summary>Of a program that lies in <c>PREFIX/lib/contingious</c>.</summary>
    private static string Beside => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../share/contingious/images"));

    public IReadOnlyList<string> Directories { get; } = directories;

    /// <summary>Those of the environment, the current directory's, the installed ones.</summary>
    public static RecipeBook Default() => new(
        [.. (Environment.GetEnvironmentVariable(Variable) ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), Path.GetFullPath("images"), .. new[] { Beside, Installed }.Distinct()]);

    /// <summary>The names that can be imported.</summary>
    public IReadOnlyList<string> Names() =>
    [
        .. Directories.Where(Directory.Exists)
            .SelectMany(directory => Directory.EnumerateDirectories(directory))
            .Where(directory => File.Exists(Path.Combine(directory, ImageRecipe.FileName)))
            .Select(directory => Path.GetFileName(directory))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Finds a recipe by the name of its folder; a tag goes to the imported image only.</summary>
    /// <exception cref="RejectedRequestException">There is none; the message says where it was looked for and what there is.</exception>
    public ImportRequest Find(string name)
    {
        if (!ImageReference.TryParse(name, out var reference)) throw new RejectedRequestException("name", $"'{name}' is not an image name. {ImageReference.Rule}");
        foreach (var directory in Directories.Select(directory => Path.Combine(directory, reference.Name)))
        {
            var file = Path.Combine(directory, ImageRecipe.FileName);
            if (File.Exists(file)) return ImageRecipe.Read(file).ToRequest(reference, directory);
        }

        var known = Names();
        throw new RejectedRequestException(
            "name",
            $"There is no recipe for the image {reference.Name}. Looked in {string.Join(", ", Directories)}; "
            + (known.Count > 0 ? $"there are: {string.Join(", ", known)}. " : "there are none. ")
            + $"'contingious import SOURCE --name {reference.Name}' imports one without a recipe, {Variable} names other directories.");
    }
}
