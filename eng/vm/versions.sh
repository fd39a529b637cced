#!/bin/sh
# One line: what this machine is made of.
. /etc/os-release
echo "$PRETTY_NAME, Linux $(uname -r), $(systemctl --version | head -n 1 | cut -d' ' -f1,2), $(crun --version | head -n 1), $(rootlesskit --version)"
