/* A drill's file: found by its name, read, and who else could have written it. */
#include "cli/drill.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (64 * 1024) /* the daemon takes no larger body */

#define DIRECTORY "/etc/kedge/drills"

const char *cli_drill_path(const char *name, char *buf, size_t cap)
{
    if (strchr(name, '/') || strchr(name, '.'))
        return name;
    snprintf(buf, cap, DIRECTORY "/%s.yaml", name);
    return buf;
}

/* Who else could have put commands into it, or another file in its place: a clause; "" nobody. A
 * directory with the sticky bit (/tmp) leaves a file to its owner. */
static const char *looseness(FILE *f, const char *name, char *buf, size_t cap)
{
    char path[PATH_MAX] = "";
    struct stat st, dir;
    bool known = fstat(fileno(f), &st) == 0 && realpath(name, path) &&
                 stat(dirname(path), &dir) == 0;
    buf[0] = '\0';
    if (!known)
        snprintf(buf, cap, "its owner isn't known");
    else if (st.st_uid != 0)
        snprintf(buf, cap, "the file belongs to user %u", (unsigned)st.st_uid);
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        snprintf(buf, cap, "not only root may write to the file (mode %04o)", st.st_mode & 07777);
    else if (dir.st_uid != 0)
        snprintf(buf, cap, "its directory belongs to user %u", (unsigned)dir.st_uid);
    else if ((dir.st_mode & (S_IWGRP | S_IWOTH)) && !(dir.st_mode & S_ISVTX))
        snprintf(buf, cap, "not only root may write to its directory (mode %04o)",
                 dir.st_mode & 07777);
    return buf;
}

char *cli_drill_read(const char *name, char *loose, size_t cap)
{
    FILE *f = fopen(name, "re");
    char *text = f ? calloc(1, FILE_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, FILE_MAX + 1, f) : 0;
    bool ok = text && !ferror(f) && n <= FILE_MAX;
    if (!f || (text && ferror(f)))
        fprintf(stderr, "kedge: %s: %s\n", name, strerror(errno));
    else if (!ok)
        fprintf(stderr, "kedge: %s: larger than %d bytes\n", name, FILE_MAX);
    if (f)
        looseness(f, name, loose, cap);
    if (f)
        fclose(f);
    if (ok && strlen(text) == n)
        return text;
    if (ok)
        fprintf(stderr, "kedge: %s: holds a NUL character\n", name);
    free(text);
    return NULL;
}
