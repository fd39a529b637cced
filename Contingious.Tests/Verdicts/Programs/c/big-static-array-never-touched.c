// expect: Ok
// limits: memory=32m
// measured: PeakMemory<=16m
static volatile char big[200 << 20];
int main(void) { return big[0]; }
