# Cached pages of files are given back when memory is short.
# expect: Ok
# limits: cpu=30s wall=120s memory=24m
# measured: OomKills=0
for turn in 1 2; do find /usr /lib /verdicts -type f -exec cat {} + >/dev/null; done
