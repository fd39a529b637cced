# expect: CpuTimeLimit
# limits: cpu=800ms wall=60s cpus=2 memory=128m
import multiprocessing
def spin(_):
    while True:
        pass
if __name__ == "__main__":
    with multiprocessing.Pool(4) as pool:
        pool.map(spin, range(4))
