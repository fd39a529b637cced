// expect: NonZeroExit exit=139
int main(void) { return 139; }
