# expect: NonZeroExit exit=1
# says: stderr contains "MemoryError"
# measured: OomKills=0
import resource
resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))
bytearray(256 << 20)
