// A refused system call is an error that the program sees, never its death.
// expect: Ok
// says: stdout is "ENOSYS\n"
#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    const long calls[] = {SYS_mount, SYS_umount2, SYS_pivot_root, SYS_init_module, SYS_kexec_load, SYS_bpf, SYS_keyctl, SYS_swapon, SYS_acct, SYS_settimeofday, SYS_sethostname};
    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++)
        if (syscall(calls[i], -1L, -1L, -1L, -1L, -1L) >= 0) return 1;
    if (syscall(9999L) == -1 && errno == ENOSYS) puts("ENOSYS");
}
