// expect: CpuTimeLimit
// limits: cpu=300ms wall=30s
// measured: CpuTime>300ms
int main(void) { for (;;) ; }
