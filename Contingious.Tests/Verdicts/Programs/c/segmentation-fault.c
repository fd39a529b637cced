// expect: Signalled signal=11
int main(void) { *(volatile int *)8 = 1; }
