#!/usr/bin/python3
"""Posts jobs and looks at their answers, which wait in a durable queue: this program, the agent and the machine may end meanwhile.

jobs.py post NAME COUNT [SECONDS]    posts COUNT jobs that sleep for SECONDS, and ends when the broker has them
jobs.py wait NAME COUNT PATIENCE     ends when COUNT answers are there; takes none of them
jobs.py count NAME                   prints how many answers are there
jobs.py check NAME COUNT PATIENCE    takes the answers: each of the COUNT jobs has one, which is Ok and says what the job printed; if it comes twice, it is the same
"""
import collections, sys, time
import msgpack, pika

IMAGE, QUEUE, PREFIX = "alpine-hello-world", "contingious.jobs.batch", "contingious.reply."
LIMITS = {"cpu_time_ms": 60000, "wall_time_ms": 240000, "memory_bytes": 64 << 20, "processes": 32}


def connect():
    channel = pika.BlockingConnection(pika.URLParameters("amqp://guest:guest@127.0.0.1/?heartbeat=0")).channel()
    channel.confirm_delivery()
    return channel


def post(name, count, seconds="1"):
    channel = connect()
    channel.queue_declare(PREFIX + name, durable=True)
    for number in range(int(count)):
        job = f"{name}-{number}"
        body = {"v": 1, "job_id": job, "image": IMAGE, "limits": LIMITS, "steps": [{"args": ["sh", "-c", f"sleep {seconds}; echo {job}"]}]}
        properties = pika.BasicProperties(content_type="application/msgpack", delivery_mode=2, reply_to=PREFIX + name, correlation_id=job)
        channel.basic_publish("", QUEUE, msgpack.packb(body), properties, mandatory=True)


def wait(name, count, patience):
    channel, deadline, there = connect(), time.monotonic() + float(patience), 0
    while there < int(count):
        there = channel.queue_declare(PREFIX + name, passive=True).method.message_count
        if time.monotonic() > deadline:
            sys.exit(f"{there} answers of {count} after {patience} s")
        time.sleep(0.5)


def count(name):
    print(connect().queue_declare(PREFIX + name, passive=True).method.message_count)


def check(name, count, patience):
    channel, deadline, answers = connect(), time.monotonic() + float(patience), collections.defaultdict(list)
    while len(answers) < int(count) and time.monotonic() < deadline:
        take(channel, name, answers)
        time.sleep(0.5)
    # What comes too often comes soon.
    time.sleep(3)
    take(channel, name, answers)
    missing = [job for job in (f"{name}-{number}" for number in range(int(count))) if job not in answers]
    wrong = [f"{job}: {said['outcome']} {said['message']} {[step['stdout'] for step in said['steps']]}"
             for job, (first, *_) in answers.items() for said in [msgpack.unpackb(first)]
             if said["outcome"] != "Ok" or said["steps"][0]["stdout"] != f"{job}\n".encode()]
    differing = [job for job, said in answers.items() if len(set(said)) > 1]
    repeated = sum(len(said) > 1 for said in answers.values())
    print(f"{len(answers)} of {count} jobs have an answer; {repeated} have it more than once")
    if missing or wrong or differing or len(answers) != int(count):
        sys.exit(f"no answer: {missing}\nwrong: {wrong}\nanswers that differ: {differing}")
    channel.queue_delete(PREFIX + name)


def take(channel, name, answers):
    while True:
        method, properties, body = channel.basic_get(PREFIX + name, auto_ack=True)
        if method is None:
            return
        answers[properties.correlation_id].append(body)


{"post": post, "wait": wait, "count": count, "check": check}[sys.argv[1]](*sys.argv[2:])
