# Collects the text over and over.
awk '{ text = text $0 } END { while (length(text) > 0) text = text text; print text }'
