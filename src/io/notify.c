/* What systemd is told of our life (sd_notify(3), Type=notify): one datagram to the socket that the
 * environment names. Not the watchdog. */
#include "io/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Of a name that begins with '@' the first octet is NUL: abstract. */
static socklen_t address(const char *name, struct sockaddr_un *un)
{
    size_t len = strlen(name);

    *un = (struct sockaddr_un){.sun_family = AF_UNIX};
    if ((name[0] != '/' && name[0] != '@') || len >= sizeof(un->sun_path))
        return 0;
    memcpy(un->sun_path, name, len);
    if (name[0] == '@')
        un->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void io_notify(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un un;
    socklen_t len = name ? address(name, &un) : 0;
    int fd = len ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;

    if (fd < 0)
        return;
    /* Nobody who listens is no reason to end: systemd gives a start up by itself. */
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&un,
                 len);
    close(fd);
}
