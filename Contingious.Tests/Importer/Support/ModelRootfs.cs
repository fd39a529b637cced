using System.Globalization;

namespace Contingious.Tests.Importer.Support;

/// <summary>
/// What the OCI image-spec says of layers, by names in memory and nothing else: which layer gave a directory's name last decides
/// what a whiteout hides.
/// </summary>
internal sealed class ModelRootfs
{
    private const int MostLinks = 40;

    public ModelNode Root { get; } = new() { Kind = TarNodeKind.Directory, IsUndescribed = true };

    public int Layer { get; set; }

    /// <summary>Whether a path led into symlinks that lead to each other.</summary>
    public bool HasLoop { get; private set; }

    /// <summary>Puts a new node at a path; false where its parent is none. A directory that is there already is described anew.</summary>
    public bool Put(IReadOnlyList<string> path, ModelNode node)
    {
        if (Parent(path, make: true) is not { } parent) return false;
        var name = path[^1];
        if (node.Kind == TarNodeKind.Directory && parent.Children.TryGetValue(name, out var present) && present.Node.Kind == TarNodeKind.Directory)
        {
            (present.Node.Mode, present.Node.Uid, present.Node.Gid, present.Node.Mtime, present.Node.Xattr, present.Node.IsUndescribed) = (node.Mode, node.Uid, node.Gid, node.Mtime, node.Xattr, false);
            node = present.Node;
        }

        Bind(parent, name, node);
        return true;
    }

    /// <summary>Gives a file one more name; false where that is not possible, or where it is the file's own name already.</summary>
    public bool Link(IReadOnlyList<string> path, IReadOnlyList<string> target)
    {
        if (Parent(target, make: false) is not { } from || !from.Children.TryGetValue(target[^1], out var existing) || existing.Node.Kind == TarNodeKind.Directory) return false;
        if (Resolve(path.SkipLast(1)) is not { } parent) return false;
        if (parent.Children.TryGetValue(path[^1], out var replaced) && (replaced.Node == existing.Node || IsAbove(replaced.Node, from))) return false;
        Bind(parent, path[^1], existing.Node);
        return true;
    }

    public void Whiteout(IReadOnlyList<string> path)
    {
        if (Parent(path, make: false) is { } parent) Hide(parent, path[^1]);
    }

    public void Opaque(IReadOnlyList<string> directory)
    {
        if (Resolve(directory) is not { } resolved) return;
        foreach (var name in resolved.Children.Keys.ToList()) Hide(resolved, name);
    }

    /// <summary>All paths, as <see cref="TreeLines"/> shows them.</summary>
    public IReadOnlyList<string> Listing()
    {
        var firstNames = new Dictionary<ModelNode, string>();
        var lines = new List<(string Path, ModelNode Node)> { (".", Root) };
        Walk(Root, "");
        lines.Sort((left, right) => string.CompareOrdinal(left.Path, right.Path));
        foreach (var (path, node) in lines) firstNames.TryAdd(node, path);
        var shared = lines.GroupBy(line => line.Node).Where(group => group.Count() > 1).Select(group => group.Key).ToHashSet();
        return
        [
            .. lines.Select(line => TreeLines.Line(
                line.Path,
                line.Node.Kind.ToString(),
                line.Node.Kind == TarNodeKind.Symlink ? 0x1FF : line.Node.Mode,
                line.Node.Uid,
                line.Node.Gid,
                line.Node.IsUndescribed ? "0" : line.Node.Mtime.ToString(CultureInfo.InvariantCulture),
                line.Node.Kind == TarNodeKind.Symlink ? line.Node.Target : line.Node.Content,
                line.Node.Xattr,
                shared.Contains(line.Node) ? firstNames[line.Node] : "")),
        ];

        void Walk(ModelNode directory, string prefix)
        {
            foreach (var (name, child) in directory.Children)
            {
                lines.Add((prefix + name, child.Node));
                if (child.Node.Kind == TarNodeKind.Directory) Walk(child.Node, $"{prefix}{name}/");
            }
        }
    }

    /// <summary>The directory that a path leads to, through symlinks; nothing where it leads to none.</summary>
    public ModelNode? Resolve(IEnumerable<string> path, bool make = false)
    {
        var (current, left, links) = (Root, new Stack<(string Name, bool IsOfLink)>(path.Reverse().Select(name => (name, false))), 0);
        while (left.TryPop(out var next))
        {
            var (name, isOfLink) = next;
            if (name == "..")
            {
                current = current.Place?.Directory ?? Root;
                continue;
            }

            if (!current.Children.TryGetValue(name, out var child))
            {
                // A symlink that dangles does so for ever.
                if (!make || isOfLink) return null;
                child = (new ModelNode { Kind = TarNodeKind.Directory, IsUndescribed = true }, Layer);
                Bind(current, name, child.Node);
            }

            switch (child.Node.Kind)
            {
                case TarNodeKind.Directory:
                    current = child.Node;
                    break;
                case TarNodeKind.Symlink:
                    if (++links > MostLinks)
                    {
                        HasLoop = true;
                        return null;
                    }

                    if (child.Node.Target.StartsWith('/')) current = Root;
                    foreach (var part in child.Node.Target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse()) left.Push((part, true));
                    break;
                case TarNodeKind.File:
                    return null;
                default:
                    throw new InvalidOperationException();
            }
        }

        return current;
    }

    private ModelNode? Parent(IReadOnlyList<string> path, bool make) => Resolve(path.SkipLast(1), make);

    private void Bind(ModelNode parent, string name, ModelNode node)
    {
        parent.Children[name] = (node, Layer);
        if (node.Kind == TarNodeKind.Directory) node.Place = (parent, name);
        // Whatever is in a directory makes the directory the layer's too.
        for (var place = parent.Place; place is { } above; place = above.Directory.Place) above.Directory.Children[above.Name] = (above.Directory.Children[above.Name].Node, Layer);
    }

    private void Hide(ModelNode directory, string name)
    {
        if (!directory.Children.TryGetValue(name, out var child)) return;
        if (child.Layer != Layer)
        {
            directory.Children.Remove(name);
            return;
        }

        if (child.Node.Kind != TarNodeKind.Directory) return;
        foreach (var below in child.Node.Children.Keys.ToList()) Hide(child.Node, below);
    }

    private static bool IsAbove(ModelNode node, ModelNode directory)
    {
        for (ModelNode? current = directory; current is not null; current = current.Place?.Directory)
        {
            if (current == node) return true;
        }

        return false;
    }
}
