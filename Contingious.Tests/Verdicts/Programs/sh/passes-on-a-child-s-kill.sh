# expect: NonZeroExit exit=137
# measured: OomKills=0
sh -c 'kill -KILL $$'
exit $?
