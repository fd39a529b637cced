namespace Contingious.Engine.Linux;

/// <summary>Who this process is, and giving that up for good.</summary>
public static unsafe class Credentials
{
    public static uint EffectiveUid => Libc.GetEuid();

    /// <summary>
    /// The uid that this process has one user namespace further out (user_namespaces(7), uid_map), which inside a
    /// keeper is the account's and outside of any is the process's own.
    /// </summary>
    public static uint OuterUid(uint uid) => IdMap.ToOutside(uid);

    /// <summary>Becomes another account: groups, then group, then user, real, effective and saved, so that there is no way back (credentials(7)).</summary>
    public static void Become(uint uid, uint gid, IReadOnlyList<uint> groups)
    {
        fixed (uint* list = groups.ToArray())
        {
            if (Libc.SetGroups((nuint)groups.Count, list) != 0) throw LinuxException.Last("setgroups", "self");
        }

        if (Libc.SetResGid(gid, gid, gid) != 0) throw LinuxException.Last("setresgid", "self");
        if (Libc.SetResUid(uid, uid, uid) != 0) throw LinuxException.Last("setresuid", "self");
    }
}
