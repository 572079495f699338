/* TUN devices by ioctl, and what to tell the operator when that fails. */
#include "io/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NODE "/dev/net/tun"

/* The kernel reads '%' as a template, and refuses '/', blanks and dots alone late and vaguely. */
static bool good_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcspn(name, "%/: \t\n") == len;
}

static int open_node(char *text, size_t cap)
{
    int fd = open(NODE, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0)
        return fd;
    if (errno == ENOENT || errno == ENODEV)
        snprintf(text, cap,
                 NODE " is missing: load it with `modprobe tun`, or give the container "
                      "the device (--device " NODE ")");
    else if (errno == EACCES || errno == EPERM)
        snprintf(text, cap, NODE " may not be opened: run kedged as root or a user who may");
    else
        snprintf(text, cap, NODE ": %s", strerror(errno));
    return -1;
}

static void explain_attach(const char *name, char *text, size_t cap)
{
    switch (errno) {
    case EPERM:
        snprintf(text, cap,
                 "making interface %s needs CAP_NET_ADMIN: run kedged as root or grant it", name);
        break;
    case EBUSY:
        snprintf(text, cap,
                 "interface %s is in use by another program: stop it or choose another "
                 "name",
                 name);
        break;
    case EINVAL:
        snprintf(text, cap,
                 "an interface %s exists and isn't a TUN device of ours: remove it or "
                 "choose another name",
                 name);
        break;
    default:
        snprintf(text, cap, "making interface %s: %s", name, strerror(errno));
    }
}

int io_tun_open(const char *name, uint32_t *ifindex, char *text, size_t cap)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd;

    if (!good_name(name)) {
        snprintf(text, cap,
                 "\"%.32s\" can't be an interface's name: 1 to %d letters, digits, - or _", name,
                 IFNAMSIZ - 1);
        return -1;
    }
    fd = open_node(text, cap);
    if (fd < 0)
        return -1;
    memcpy(ifr.ifr_name, name, strlen(name));
    if (ioctl(fd, TUNSETIFF, &ifr) != 0) {
        explain_attach(name, text, cap);
        close(fd);
        return -1;
    }
    *ifindex = if_nametoindex(name);
    if (*ifindex == 0) {
        snprintf(text, cap, "interface %s went away at once: %s", name, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}
