using System.Security.Cryptography;
using System.Text;
using Contingious.Engine.Host;
using Contingious.Engine.Linux;
using Contingious.Engine.Programs;

namespace Contingious.Engine.Sandboxes;

/// <summary>
/// The containers' init inside the keeper: a copy that belongs to the keeper's root, named by its content, so that programs of two versions
/// can use one keeper.
/// </summary>
internal static class InstalledInit
{
    private const uint ReadAndExecute = 0x16D; // 0555

    /// <summary>The path of the copy, which is made where there is none.</summary>
    /// <exception cref="HostNotReadyException">The program is not beside this one.</exception>
    public static string In(HostLayout layout)
    {
        byte[] content;
        try
        {
            content = File.ReadAllBytes(ContainerInit.BuiltProgram);
        }
        catch (FileNotFoundException error)
        {
            throw new HostNotReadyException($"{ContainerInit.BuiltProgram} is missing: this copy of contingious is not whole. Build or install it again.", error);
        }

        var name = $"init-{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8))}";
        using var directory = DirectoryHandle.Open(layout.PrivateDirectory);
        if (directory.TryStatus(Encoding.UTF8.GetBytes(name)) is null) Install(directory, name, content);
        return $"{layout.PrivateDirectory}/{name}";
    }

    // By a rename, which two at once may both do.
    private static void Install(DirectoryHandle directory, string name, byte[] content)
    {
        var temporary = Encoding.UTF8.GetBytes($"{name}.{Guid.NewGuid():N}");
        using (var file = directory.CreateFile(temporary, ReadAndExecute))
        {
            RandomAccess.Write(file, content, 0);
            DirectoryHandle.SetMode(file, ReadAndExecute);
        }

        directory.Rename(temporary, directory, Encoding.UTF8.GetBytes(name));
    }
}
