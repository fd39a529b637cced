# expect: Ok
# limits: cpu=30s wall=120s memory=128m
# says: stdout is "[0, 1, 4, 9, 16]\n"
import multiprocessing
def square(n):
    return n * n
if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        print(pool.map(square, range(5)))
