// expect: NonZeroExit exit=128
int main(void) { return 128; }
