// What a shell says of a killed program is a number that any program can choose.
// expect: NonZeroExit exit=137
int main(void) { return 137; }
