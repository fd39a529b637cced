# The teacher's step. It runs after everything of the student's is dead; what the student left on disk is not trusted:
# an answer must be a plain file, since a link could point at the expected answer itself.
wrong=0 total=0
for expected in *.expected; do
    test=${expected%.expected}
    total=$((total + 1))
    if [ -L "$test.answer" ] || [ ! -f "$test.answer" ]; then
        difference="there is no answer"
    else
        difference=$(awk -v answer="$test.answer" '
            function next_answer() { return (getline line < answer) > 0 ? "\"" line "\"" : "nothing more" }
            function compare(want, got) { if (want != got) { print "line " NR + ended ": expected " want ", got " got; exit } }
            { compare("\"" $0 "\"", next_answer()) }
            END { if (!ended++) compare("nothing more", next_answer()) }' "$expected" | head -n 1)
    fi
    [ -z "$difference" ] && continue
    echo "test $test: $difference"
    wrong=$((wrong + 1))
done
[ "$wrong" = 0 ] && echo "all $total tests passed"
exit "$wrong"
