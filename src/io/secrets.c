/* Reading the configuration and the secrets beside it. Buffers are wiped by whoever holds them
 * last. */
#include "io/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_all(int fd, uint8_t *buf, size_t max, size_t *len)
{
    ssize_t n;

    *len = 0;
    while (*len < max && (n = read(fd, buf + *len, max - *len)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        *len += (size_t)n;
    }
    return true;
}

bool io_read_file(const char *path, size_t max, uint8_t **text, size_t *len, char *why, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *buf = fd >= 0 ? malloc(max + 1) : NULL;

    *text = NULL;
    if (fd < 0 || !buf || !read_all(fd, buf, max + 1, len)) {
        snprintf(why, cap, "%s: %s", path, strerror(errno));
    } else if (*len > max) {
        snprintf(why, cap, "%s: larger than the %zu bytes allowed", path, max);
    } else {
        *text = buf;
        buf = NULL;
    }
    if (buf)
        kc_wipe(buf, max + 1);
    free(buf);
    if (fd >= 0)
        close(fd);
    return *text != NULL;
}

static enum config_secret_status failed(struct config_secret *out, const char *path)
{
    snprintf(out->why, sizeof(out->why), "%.90s: %s", path, strerror(errno));
    return CONFIG_SECRET_FAILED;
}

enum config_secret_status io_read_secret(void *arg, enum config_secret_from from, const char *name,
                                         struct config_secret *out)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[512];
    struct stat st;
    int fd;

    if (from == CONFIG_SECRET_CREDENTIAL && !dir) {
        snprintf(
            out->why, sizeof(out->why),
            "no $CREDENTIALS_DIRECTORY: start kedged by its systemd unit, with LoadCredential=");
        return arg ? CONFIG_SECRET_UNKNOWN : CONFIG_SECRET_FAILED;
    }
    if (from == CONFIG_SECRET_CREDENTIAL && strchr(name, '/')) {
        snprintf(out->why, sizeof(out->why), "a credential's name has no slash");
        return CONFIG_SECRET_FAILED;
    }
    if (from == CONFIG_SECRET_CREDENTIAL)
        snprintf(path, sizeof(path), "%s/%s", dir, name);
    else
        snprintf(path, sizeof(path), "%s", name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return failed(out, path);
    if (fstat(fd, &st) == 0)
        out->exposed = (st.st_mode & S_IROTH) != 0;
    if (!read_all(fd, out->data, sizeof(out->data), &out->len)) {
        close(fd);
        return failed(out, path);
    }
    close(fd);
    return CONFIG_SECRET_OK;
}

enum config_secret_status io_read_public(void *arg, const char *path, size_t max, uint8_t **data,
                                         size_t *len, char *why, size_t cap)
{
    char text[384];
    size_t skip = strlen(path) + 2; /* whoever asks names the file */

    (void)arg;
    if (io_read_file(path, max, data, len, text, sizeof(text)))
        return CONFIG_SECRET_OK;
    snprintf(why, cap, "%s", strlen(text) > skip ? text + skip : text);
    return CONFIG_SECRET_FAILED;
}
