# The student's step: an answer for each test. The expected answers are not in the container yet.
for test in *.in; do
    sh solution.sh <"$test" >"${test%.in}.answer" || exit
done
