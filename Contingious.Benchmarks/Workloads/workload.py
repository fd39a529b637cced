"""What the workload benchmark runs in containers and on the host. Each prints the nanoseconds that it took by CLOCK_MONOTONIC, its interpreter's start left out.

    workload.py http                     start an HTTP server, until a client beside it has the first answer
    workload.py read DIRECTORY COUNT     read so many files of the tree that `make` made
    workload.py untar ARCHIVE [TARGET]   tar -xf
    workload.py select DATABASE COUNT    so many reads of one row each, by its key
    workload.py insert COUNT [TARGET]    so many transactions of a hundred rows each, into a new database
    workload.py patch FILE               open, write 4 KiB in the middle, close
    workload.py write COUNT [TARGET]     so many new files of 1 KiB
    workload.py make TARGET COUNT        the tree, an archive of its first tenth and one of all, and the database; prints nothing
TARGET is a new directory; the working directory's own where it is left out.
"""

import os
import random
import socket
import sqlite3
import subprocess
import sys
import time

IN_A_DIRECTORY = 100
SIZE = 1024
ROWS = 100_000


def name_of(number):
    return f"{number // IN_A_DIRECTORY:04}/{number:06}.txt"


def content_of(number):
    return (f"{number}: the quick brown fox jumps over the lazy dog\n" * 40).encode()[:SIZE]


def new_directory(given):
    target = given[0] if given else "written"
    os.mkdir(target)
    return target


def write_files(target, count):
    for number in range(count):
        if number % IN_A_DIRECTORY == 0:
            os.mkdir(os.path.dirname(f"{target}/{name_of(number)}"))
        with open(f"{target}/{name_of(number)}", "xb") as file:
            file.write(content_of(number))


def http():
    port = 8000
    server = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    answer = client.recv(12)
                    break
            except ConnectionRefusedError:
                time.sleep(0.001)
        ended = time.monotonic_ns()
        process.kill()
    if answer != b"HTTP/1.0 200":
        sys.exit(f"the server answers {answer}")
    return ended


def read(directory, count):
    for number in range(int(count)):
        with open(f"{directory}/{name_of(number)}", "rb") as file:
            if len(file.read()) != SIZE:
                sys.exit(f"{name_of(number)} is too short")


def untar(archive, *target):
    subprocess.run(["tar", "--no-same-owner", "-xf", archive, "-C", new_directory(target)], check=True)


def select(database, count):
    random.seed(1)
    connection = sqlite3.connect(f"file:{database}?mode=ro&immutable=1", uri=True)
    for _ in range(int(count)):
        key = random.randrange(ROWS)
        if connection.execute("SELECT value FROM points WHERE key = ?", (key,)).fetchone() != (content_of(key)[:100],):
            sys.exit(f"row {key} is another one")


def insert(count, *target):
    connection = sqlite3.connect(f"{new_directory(target)}/new.db")
    connection.execute("CREATE TABLE points (key INTEGER PRIMARY KEY, value BLOB)")
    for first in range(0, int(count) * 100, 100):
        with connection:
            connection.executemany("INSERT INTO points VALUES (?, ?)", ((key, content_of(key)[:100]) for key in range(first, first + 100)))
    connection.close()


def patch(path):
    with open(path, "r+b", buffering=0) as file:
        file.seek(os.fstat(file.fileno()).st_size // 2)
        file.write(os.urandom(4096))


def write(count, *target):
    write_files(new_directory(target), int(count))


def make(target, count):
    write_files(new_directory([f"{target}/files"]), int(count))
    tenth = [f"{number:04}" for number in range(int(count) // IN_A_DIRECTORY // 10)]
    for archive, directories in (("tenth.tar", tenth), ("all.tar", ["."])):
        subprocess.run(["tar", "-cf", f"{target}/{archive}", "-C", f"{target}/files", "--owner=1000", "--group=1000", *directories], check=True)
    with sqlite3.connect(f"{target}/points.db") as connection:
        connection.execute("CREATE TABLE points (key INTEGER PRIMARY KEY, value BLOB)")
        connection.executemany("INSERT INTO points VALUES (?, ?)", ((key, content_of(key)[:100]) for key in range(ROWS)))
    connection.close()


def main():
    verb = {"http": http, "read": read, "untar": untar, "select": select, "insert": insert, "patch": patch, "write": write, "make": make}[sys.argv[1]]
    begun = time.monotonic_ns()
    ended = verb(*sys.argv[2:]) or time.monotonic_ns()
    if verb is not make:
        print(ended - begun)


main()
