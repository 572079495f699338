/* The end of a process that found itself wrong: one line and abort(), so that a core is left. */
#include "base/attr.h"

#include <stdlib.h>
#include <unistd.h>
#include <string.h>

static void put(const char *s)
{
    ssize_t n = write(STDERR_FILENO, s, strlen(s));
    (void)n;
}

void kd_assert_fail(const char *expr, const char *file, int line)
{
    char digits[12];
    size_t n = sizeof(digits);

    digits[--n] = '\0';
    do {
        digits[--n] = (char)('0' + line % 10);
        line /= 10;
    } while (line > 0 && n > 0);
    put("kedge: bug: assertion failed: ");
    put(expr);
    put(" at ");
    put(file);
    put(":");
    put(digits + n);
    put("\n");
    abort();
}
