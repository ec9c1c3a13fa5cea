/* Builds an index; CRUNCH=segv follows a null pointer, CRUNCH=grow keeps all it read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    const char *mode = getenv("CRUNCH");
    setlinebuf(stdout);
    puts("index opened");
    for (int n = 1;; n++) {
        printf("segment %d merged, %d documents\n", n, 900 + n % 77);
        if (mode && !strcmp(mode, "segv") && n == 3) { volatile int *nothing = 0; *nothing = n; }
        if (mode && !strcmp(mode, "grow")) { char *more = malloc(12 << 20); memset(more, n, 12 << 20); }
        sleep(mode ? 1 : 3);
    }
}
