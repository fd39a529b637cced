#!/usr/bin/python3
"""Has submissions of an exercise graded; prints for each: submission, verdict, CPU and wall time, memory, message.

A SUBMISSION is a file, or the name of one in DIR/submissions (without .sh). Needs Debian's python3-pika and python3-msgpack.
A job has two steps over one clone of the image: the student's, then the teacher's check, whose files only come with it.
"""
import argparse, os, pathlib, sys, uuid
import msgpack, pika

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--image", default="alpine-hello-world")
parser.add_argument("--exercise", metavar="DIR", type=pathlib.Path, default=pathlib.Path(__file__).parent / "word-count")
parser.add_argument("--broker", default=os.environ.get("CONTINGIOUS_BROKER", "amqp://guest:guest@127.0.0.1:5672/"))
parser.add_argument("--cpu-time", type=float, default=1, metavar="SECONDS", help="that a submission and its check may use; five times as long may pass")
parser.add_argument("--timeout", type=float, default=60, help="seconds to wait for a result")
parser.add_argument("submissions", nargs="+", metavar="SUBMISSION")
options = parser.parse_args()


def files(*paths):
    return [{"path": path.name, "content": path.read_bytes()} for path in paths]


def job(submission):
    tests = options.exercise / "tests"
    student = files(options.exercise / "run.sh", *tests.glob("*.in")) + [{"path": "solution.sh", "content": submission.read_bytes()}]
    check = files(options.exercise / "check.sh", *tests.glob("*.expected"))
    return {"v": 1, "job_id": uuid.uuid4().hex, "image": options.image,
            "limits": {"cpu_time_ms": int(options.cpu_time * 1000), "wall_time_ms": int(options.cpu_time * 5000), "memory_bytes": 64 << 20, "processes": 32},
            "steps": [{"name": "student", "args": ["sh", "run.sh"], "files": student},
                      {"name": "check", "args": ["sh", "check.sh"], "files": check}]}


def line(name, result):
    steps = result["steps"]
    cpu, wall = (sum(step[key] for step in steps) / 1000 for key in ("cpu_time_us", "wall_time_us"))
    memory = max((step["peak_memory_bytes"] for step in steps), default=0) / (1 << 20)
    said = [*(steps[-1]["stdout"].decode(errors="replace").splitlines() if steps else []), result["message"] or ""]
    return "\t".join([name, result["outcome"], f"{cpu:.0f} ms", f"{wall:.0f} ms", f"{memory:.1f} MiB", said[0]])


try:
    channel = pika.BlockingConnection(pika.URLParameters(options.broker)).channel()
    channel.confirm_delivery()
    replies, waiting = channel.queue_declare("", exclusive=True).method.queue, {}
    for path in map(pathlib.Path, options.submissions):
        body = job(path if path.is_file() else options.exercise / "submissions" / f"{path}.sh")
        waiting[body["job_id"]] = path.stem
        properties = pika.BasicProperties(content_type="application/msgpack", reply_to=replies, correlation_id=body["job_id"])
        channel.basic_publish("", "contingious.jobs.interactive", msgpack.packb(body), properties, mandatory=True)
    while waiting:
        _, properties, body = next(channel.consume(replies, auto_ack=True, inactivity_timeout=options.timeout))
        if body is None:
            sys.exit(f"submit.py: no result after {options.timeout:.0f} s for {', '.join(waiting.values())}. Is an agent running?")
        print(line(waiting.pop(properties.correlation_id), msgpack.unpackb(body)), flush=True)
except (pika.exceptions.AMQPError, OSError) as error:
    sys.exit(f"submit.py: {str(error) or repr(error)}. Is the broker of CONTINGIOUS_BROKER up, and 'contingious broker setup' done?")
