/* The file of a listening Unix socket: what may stand in its place, who may connect. */
#include "io/socket_file.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* False with text when the path can't be ours. */
static bool clear_path(const struct sockaddr_un *a, char *text, size_t cap)
{
    struct stat st;
    if (lstat(a->sun_path, &st) != 0)
        return true;
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(text, cap, "%s is not a socket; remove it or name another control.socket",
                 a->sun_path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool taken =
        fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno != ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    if (taken) {
        snprintf(text, cap, "another kedged listens at %s; end it or name another control.socket",
                 a->sun_path);
        return false;
    }
    unlink(a->sun_path);
    return true;
}

static void make_directory(const char *path)
{
    char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
    snprintf(copy, sizeof(copy), "%s", path);
    mkdir(dirname(copy), 0755); /* there already, or bind() will say what is wrong */
}

/* Nobody can connect before the file has its owner and mode: it is made 0600. */
static int make_socket(const struct sockaddr_un *a, const char *group, int backlog, char *text,
                       size_t cap)
{
    const struct group *g = group && group[0] ? getgrnam(group) : NULL;
    if (group && group[0] && !g) {
        snprintf(text, cap,
                 "there is no group \"%s\"; make it (groupadd -r %s) or leave out "
                 "control.group",
                 group, group);
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok =
        fd >= 0 && fchmod(fd, 0600) == 0 && bind(fd, (const struct sockaddr *)a, sizeof(*a)) == 0;
    if (ok && g)
        ok = lchown(a->sun_path, (uid_t)-1, g->gr_gid) == 0 && chmod(a->sun_path, 0660) == 0;
    if (ok && listen(fd, backlog) == 0)
        return fd;
    snprintf(text, cap, "%s: %s", a->sun_path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int io_socket_file(const char *path, const char *group, int backlog, char *text, size_t cap)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(a.sun_path)) {
        snprintf(text, cap, "the control socket's path is too long");
        return -1;
    }
    strcpy(a.sun_path, path);
    make_directory(path);
    return clear_path(&a, text, cap) ? make_socket(&a, group, backlog, text, cap) : -1;
}
