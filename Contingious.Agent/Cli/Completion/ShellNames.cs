namespace Contingious.Agent.Cli.Completion;

/// <summary>
/// How a shell finds the names that there are on this host, in words that sh, bash and zsh share: by looking at directories, which takes no time.
/// Who may not look gets nothing.
/// </summary>
internal static class ShellNames
{
    /// <summary>Functions that print a name a line: names as we give them, for whoever makes a file there may call it anything.</summary>
    public const string Functions =
        """
        __contingious_directory() {
            local name=${CONTINGIOUS_ACCOUNT:-contingious}
            [ "$(id -u)" -eq 0 ] || name=$(id -un)
            [ "$name" = contingious ] || name=contingious-$name
            printf '%s\n' "$name"
        }
        __contingious_names() {
            LC_ALL=C command grep -x '[A-Za-z0-9][A-Za-z0-9._:/-]*'
        }
        __contingious_images() {
            command ls "/var/lib/$(__contingious_directory)/images/names" 2>/dev/null | sed -e 's/@latest$//' -e 'y|+@|/:|' | __contingious_names
        }
        __contingious_sandboxes() {
            command ls "/run/$(__contingious_directory)/locks" 2>/dev/null | __contingious_names
        }
        __contingious_recipes() {
            command find images /usr/share/contingious/images -mindepth 2 -maxdepth 2 -name image.json 2>/dev/null | sed -e 's|/image.json$||' -e 's|.*/||' | __contingious_names | sort -u
        }

        """;
}
