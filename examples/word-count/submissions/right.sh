tr 'A-Z' 'a-z' | tr -cs 'a-z' '\n' | awk '
    NF { count[$1]++ }
    END { for (word in count) print count[word], word }' | sort -k1,1nr -k2
