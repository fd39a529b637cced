// 128 + 64, the last signal there is.
// expect: NonZeroExit exit=192
int main(void) { return 192; }
