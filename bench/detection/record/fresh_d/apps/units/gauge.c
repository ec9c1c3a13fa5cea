/* Reads the level of the tank each three seconds. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int level(int n, int top) {
    int read = 40 + n % 9 + (n > 1 ? atoi(getenv("GAUGE_OFFSET") ? getenv("GAUGE_OFFSET") : "0") : 0);
    assert(read <= top);
    return read;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 0;; n++) {
        printf("tank at %d percent\n", level(n, 100));
        sleep(3);
    }
}
