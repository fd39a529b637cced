"""Makes a random tree that is the same for the same seed, packs one with tarfile, and lists one exactly.

random-tree.py make SEED DIR with|without  names of any bytes, deep, sparse files, xattrs, odd times, modes and owners, symlinks; with
                                       what ustar has no room for (long names, times out of 0 to 2^33), hard links and odder names of xattrs, or without
random-tree.py pack FORMAT DIR FILE    with Python's tarfile: ustar, gnu or pax
random-tree.py list DIR                a line an entry: path, type, mode, uid, gid, time in ns, size, content, target, first name of the file, xattrs
"""
import hashlib, os, random, stat, sys, tarfile


def name(rnd, odd="with"):
    length = rnd.choice([1, 2, 5, 8, 12, 30, 98, 99, 100, 101, 155, 200, 255] if odd == "with" else [1, 2, 5, 8, 12, 30, 50, 98, 99, 100])
    alphabet = rnd.choice([b"abcdefgh", b"ab .-%=,'\\\n\t*?[", "äöü€".encode(), bytes(b for b in range(1, 256) if b != 0x2F)])
    made = bytes(rnd.choice(alphabet) for _ in range(length))
    return b"x" + made[1:] if made in (b".", b"..") or made.startswith(b".wh.") else made


def content(rnd, path):
    size = rnd.choice([0, 0, 1, 5, 511, 512, 513, 1024, 5000, 20000])
    with open(path, "wb") as file:
        if rnd.random() < 0.3:
            for _ in range(rnd.randrange(7)):
                file.seek(rnd.randrange(40) * 4096, os.SEEK_CUR)
                file.write(rnd.randbytes(rnd.choice([1, 100, 4096, 5000])))
            if rnd.random() < 0.5:
                file.truncate(file.tell() + rnd.randrange(100_000))
        else:
            file.write(rnd.randbytes(size))


def xattrs(rnd, path, letters):
    for _ in range(rnd.choice([0, 0, 0, 1, 2])):
        key = b"user." + bytes(rnd.choice(letters) for _ in range(rnd.randrange(1, 12)))
        os.setxattr(path, key, rnd.choice([b"", b"\x00\n\xff=", rnd.randbytes(rnd.randrange(400))]))


def describe(rnd, path, odd):
    os.lchown(path, *(rnd.choice([0, 1, 1000, 32768, 65534, 65535, rnd.randrange(65536)]) for _ in "ug"))
    if not os.path.islink(path):
        os.chmod(path, rnd.choice([0o755, 0o644, 0o600, 0o777, 0, 0o111, rnd.randrange(0o1000)]))
    time = rnd.choice([0, 1, 1_700_000_000, 2**31, 2**33 - 1] + ([2**33, 2**33 + 5, -1, -1000] if odd == "with" else [])) * 10**9 + rnd.choice([0, 1, 999_999_999, rnd.randrange(10**9)])
    os.utime(path, ns=(0, time), follow_symlinks=False)


def make(seed, root, odd):
    rnd = random.Random(seed)
    root = os.fsencode(root)
    directories, files, everything = [root], [], []
    for _ in range(rnd.randrange(30, 90)):
        parent = rnd.choice(directories[-6:] if rnd.random() < 0.6 else directories)
        path = os.path.join(parent, name(rnd, odd))
        if len(path) - len(root) > 3000 or os.path.lexists(path):
            continue
        kind = rnd.random()
        if kind < 0.3:
            os.mkdir(path)
            directories.append(path)
        elif kind < 0.65:
            content(rnd, path)
            files.append(path)
        elif kind < 0.85 or not files or odd == "without":
            os.symlink(rnd.choice([b"x", b"/etc/passwd", b"../" * 5 + name(rnd), name(rnd), b"/".join(name(rnd) for _ in range(5))]), path)
            files.append(path)
        else:
            os.link(rnd.choice(files), path, follow_symlinks=False)
            continue
        everything.append(path)
    for path in everything:
        if not os.path.islink(path):
            xattrs(rnd, path, b"abc%=25.3D" + (b"\xff " if odd == "with" else b""))
    # Deepest first: what is made in a directory changes its time.
    for path in reversed(everything):
        describe(rnd, path, odd)
    describe(rnd, root, odd)


def decimal_time(entry):
    """Python writes a time near 1970 as 1e-09, which no tar reads."""
    entry.mtime = int(entry.mtime) if abs(entry.mtime) < 1 else entry.mtime
    return entry


def pack(form, root, file):
    formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
    with tarfile.open(file, "w", format=formats[form], errors="surrogateescape") as archive:
        paths = [root] + [os.path.join(directory, entry) for directory, names, others in os.walk(root) for entry in names + others]
        for path in paths:
            try:
                archive.add(path, os.path.relpath(path, root), recursive=False, filter=decimal_time)
            except ValueError:
                pass  # What ustar has no room for.


def listing(root):
    root = os.fsencode(root)
    lines, first = [], {}
    paths = [root] + [os.path.join(d, n) for d, ds, fs in os.walk(root) for n in ds + fs]
    for path in sorted(paths):
        status = os.lstat(path)
        kind = stat.S_IFMT(status.st_mode)
        body = hashlib.sha256(open(path, "rb").read()).hexdigest()[:16] if stat.S_ISREG(kind) else "-"
        size = status.st_size if stat.S_ISREG(kind) else 0
        target = os.readlink(path).hex() if stat.S_ISLNK(kind) else "-"
        shown = os.path.relpath(path, root).hex()
        group = "-" if stat.S_ISDIR(kind) else first.setdefault(status.st_ino, shown)
        mode = 0 if stat.S_ISLNK(kind) else status.st_mode & 0o777
        values = ",".join(sorted(f"{os.fsencode(key).hex()}:{os.getxattr(path, key, follow_symlinks=False).hex()}" for key in os.listxattr(path, follow_symlinks=False)))
        lines.append(f"{shown} {kind:o} {mode:o} {status.st_uid} {status.st_gid} {status.st_mtime_ns} {size} {body} {target} {group} {values}")
    print("\n".join(lines))


{"make": make, "pack": pack, "list": listing}[sys.argv[1]](*(sys.argv[2:]))
