/* A configuration file read here, without the daemon: with its secrets as far as we may see
 * them. */
#include "cli/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* At most cap bytes; -1 with errno. */
static ssize_t read_some(int fd, uint8_t *buf, size_t cap)
{
    size_t len = 0;
    ssize_t n;
    while (len < cap && (n = read(fd, buf + len, cap - len)) != 0) {
        if (n < 0 && errno != EINTR)
            return -1;
        len += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)len;
}

/* What only the daemon can see is no error of the file. */
static enum config_secret_status read_secret(void *arg, enum config_secret_from from,
                                             const char *name, struct config_secret *out)
{
    (void)arg;
    if (from == CONFIG_SECRET_CREDENTIAL) {
        snprintf(out->why, sizeof(out->why), "only systemd hands it to the daemon");
        return CONFIG_SECRET_UNKNOWN;
    }
    struct stat st;
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read_some(fd, out->data, sizeof(out->data)) : -1;
    int err = errno;
    if (n >= 0) {
        out->len = (size_t)n;
        out->exposed = fstat(fd, &st) == 0 && (st.st_mode & S_IROTH);
    } else {
        snprintf(out->why, sizeof(out->why), "%s", strerror(err));
    }
    if (fd >= 0)
        close(fd);
    return n >= 0 ? CONFIG_SECRET_OK : err == EACCES ? CONFIG_SECRET_UNKNOWN : CONFIG_SECRET_FAILED;
}

static enum config_secret_status read_file(void *arg, const char *path, size_t max, uint8_t **data,
                                           size_t *len, char *why, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), err;
    uint8_t *buf = fd >= 0 ? malloc(max + 1) : NULL;
    ssize_t n = buf ? read_some(fd, buf, max + 1) : -1;
    (void)arg;
    err = errno;
    if (fd >= 0)
        close(fd);
    if (n >= 0 && (size_t)n <= max) {
        *data = buf;
        *len = (size_t)n;
        return CONFIG_SECRET_OK;
    }
    free(buf);
    snprintf(why, cap, "%s", n >= 0 ? "too large" : strerror(err));
    return n < 0 && err == EACCES ? CONFIG_SECRET_UNKNOWN : CONFIG_SECRET_FAILED;
}

bool cli_read_file(const char *file, size_t max, struct kd_bytes *out)
{
    char why[128];
    uint8_t *data;
    size_t len;

    if (read_file(NULL, file, max, &data, &len, why, sizeof(why)) != CONFIG_SECRET_OK) {
        fprintf(stderr, "kedge: %s: %s\n", file, why);
        return false;
    }
    *out = kd_bytes(data, len);
    return true;
}

static enum cli_exit parse(const char *file, struct kc_ctx *crypto, struct kd_bytes text,
                           struct core_config *cfg, struct config_errors *errs)
{
    struct config_env env = {.crypto = crypto,
                             .wall_s = (int64_t)time(NULL),
                             .read_secret = read_secret,
                             .read_file = read_file};

    return config_parse(text, file, &env, cfg, errs) ? CLI_OK : CLI_FAILED;
}

enum cli_exit cli_load(const char *file, struct kc_ctx *crypto, struct core_config *cfg,
                       struct config_errors *errs)
{
    enum cli_exit e = CLI_UNREACHABLE;
    size_t cap = CONFIG_TEXT_MAX + 1; /* one more, so that too large shows */
    uint8_t *buf = malloc(cap);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 && buf ? read_some(fd, buf, cap) : -1;
    if (n < 0) {
        fprintf(stderr, "kedge: %s: %s\n", file, strerror(errno));
    } else {
        e = parse(file, crypto, kd_bytes(buf, (size_t)n), cfg, errs);
        kc_wipe(buf, (size_t)n);
    }
    if (fd >= 0)
        close(fd);
    free(buf);
    return e;
}

void cli_load_errors(const struct config_errors *errs, bool warnings)
{
    char line[CONFIG_LINE_MAX];
    for (uint32_t i = 0; warnings && i < errs->n_warnings; i++)
        fprintf(stderr, "%s\n", config_error_line(errs, &errs->w[i], line, sizeof(line)));
    for (uint32_t i = 0; i < errs->n; i++)
        fprintf(stderr, "%s\n", config_error_line(errs, &errs->e[i], line, sizeof(line)));
    if (errs->more)
        fprintf(stderr, "%s: there are more errors; mend these first\n", errs->file);
}
