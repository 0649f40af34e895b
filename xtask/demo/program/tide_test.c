#include <stdio.h>
#include "tide.h"

static int failures = 0;

static void check(const char *what, int is, int should_be) {
    int ok = is == should_be;
    printf("%s %s: %d cm\n", ok ? "ok  " : "FAIL", what, is);
    failures += !ok;
}

int main(void) {
    check("low water", tide_height_cm(60, 420, 0), 60);
    check("half way up", tide_height_cm(60, 420, 3), 240);
    check("high water", tide_height_cm(60, 420, 6), 420);
    check("no earlier than low water", tide_height_cm(60, 420, -2), 60);
    printf("%d failures\n", failures);
    return failures != 0;
}
