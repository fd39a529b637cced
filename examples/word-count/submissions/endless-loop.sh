# Waits for a line that never comes.
read -r line
while [ "$line" != "the end" ]; do
    :
done
