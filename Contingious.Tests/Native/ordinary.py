"""What ordinary Python programs do. Prints "all well", or the error of the first thing that does not work."""
import asyncio
import concurrent.futures
import ctypes
import fcntl
import mmap
import multiprocessing
import os
import select
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import zlib
from multiprocessing import shared_memory


def square(number):
    return number * number


def processes():
    run = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True, check=True)
    assert run.stdout == "42\n"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", "raise SystemExit(3)"], {})
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
    os.close(os.pidfd_open(os.getpid()))
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(square, range(4)) == [0, 1, 4, 9]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(square, range(4))) == [0, 1, 4, 9]
    block = shared_memory.SharedMemory(create=True, size=4096)
    block.buf[0] = 1
    block.close()
    block.unlink()


def threads():
    numbers = []
    all_threads = [threading.Thread(target=numbers.append, args=(i,)) for i in range(8)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    assert sorted(numbers) == list(range(8))
    signal.pthread_kill(threading.get_ident(), 0)
    os.sched_setaffinity(0, os.sched_getaffinity(0))


def files():
    with tempfile.TemporaryDirectory() as directory:
        name = os.path.join(directory, "a")
        with open(name, "w+b") as file:
            file.write(b"x" * 100_000)
            file.flush()
            fcntl.flock(file, fcntl.LOCK_EX)
            fcntl.lockf(file, fcntl.LOCK_EX)
            os.fsync(file.fileno())
            with mmap.mmap(file.fileno(), 0) as view:
                assert view[0] == ord("x")
        shutil.copy2(name, name + "2")
        shutil.copytree(directory, os.path.join(directory, "..", os.path.basename(directory) + "-copy"))
        assert os.access(name, os.R_OK, effective_ids=True)
        for journal in ("delete", "wal"):
            with sqlite3.connect(os.path.join(directory, journal)) as database:
                database.execute(f"pragma journal_mode={journal}")
                database.execute("create table t (x)")
                database.executemany("insert into t values (?)", [(i,) for i in range(1000)])
                assert database.execute("select sum(x) from t").fetchone() == (499500,)
    os.close(os.memfd_create("x"))
    os.sync()
    assert len(os.getrandom(8)) == 8


def network():
    context = ssl.create_default_context()
    assert context.minimum_version and ssl.RAND_bytes(8)
    assert ("lo" in name for _, name in socket.if_nameindex())
    assert socket.getaddrinfo("127.0.0.1", 80)
    poll = select.epoll()
    left, right = socket.socketpair()
    poll.register(right, select.EPOLLIN)
    left.send(b"x")
    assert poll.poll(1)


async def asynchronous():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\n")
    assert await reader.readline() == b"hello\n"
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print(1)", stdout=subprocess.PIPE)
    assert (await child.communicate())[0] == b"1\n"
    assert await asyncio.to_thread(square, 3) == 9


def main():
    processes()
    threads()
    files()
    network()
    asyncio.run(asynchronous())
    assert ctypes.CDLL(None).getpid() == os.getpid()
    assert zlib.decompress(zlib.compress(b"x")) == b"x"
    print("all well")


if __name__ == "__main__":
    main()
