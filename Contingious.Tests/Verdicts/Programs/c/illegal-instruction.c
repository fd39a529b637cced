// expect: Signalled signal=4
int main(void) { __asm__ volatile("ud2"); }
