/* What outlives the process: one secret, made at the first start. A file is written beside its
 * place and renamed into it, so that a crash leaves either none or a whole one. */
#include "io/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define QCD_LEN 32 /* HMAC-SHA-256's own key length */

static bool failed(char *why, size_t cap, const char *path, const char *what)
{
    snprintf(why, cap, "%s: %s", path, what);
    return false;
}

/* A secret that others can read, or of another length, is not ours. */
static bool read_secret(int fd, const char *path, uint8_t key[QCD_LEN], char *why, size_t cap)
{
    uint8_t buf[QCD_LEN + 1];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0)
        return failed(why, cap, path, strerror(errno));
    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)))
        return failed(why, cap, path, "not a file of ours alone; remedy: chmod 600, or remove it");
    n = read(fd, buf, sizeof(buf));
    if (n == QCD_LEN)
        memcpy(key, buf, QCD_LEN);
    kc_wipe(buf, sizeof(buf));
    return n == QCD_LEN ||
           failed(why, cap, path, "not the 32 octets that were written; remedy: remove it");
}

static bool write_secret(int dir, const char *path, const uint8_t key[QCD_LEN], char *why,
                         size_t cap)
{
    static const char tmp[] = "qcd.key.new";
    int fd;
    bool ok;

    (void)unlinkat(dir, tmp, 0); /* of a start that was cut short */
    fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(why, cap, path, strerror(errno));
    ok = write(fd, key, QCD_LEN) == QCD_LEN && fsync(fd) == 0 &&
         renameat(dir, tmp, dir, "qcd.key") == 0 && fsync(dir) == 0;
    if (!ok)
        failed(why, cap, path, strerror(errno));
    close(fd);
    return ok;
}

static bool load_or_make(int dir, const char *path, uint8_t key[QCD_LEN], char *why, size_t cap)
{
    int fd = openat(dir, "qcd.key", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool ok;

    if (fd < 0 && errno == ENOENT) {
        kc_os_random(key, QCD_LEN);
        return write_secret(dir, path, key, why, cap);
    }
    if (fd < 0)
        return failed(why, cap, path, strerror(errno));
    ok = read_secret(fd, path, key, why, cap);
    close(fd);
    return ok;
}

bool io_state_qcd(const char *directory, struct kc_ctx *crypto, struct kd_handle *secret, char *why,
                  size_t cap)
{
    char path[512];
    uint8_t key[QCD_LEN];
    bool ok;
    int dir;

    *secret = KD_HANDLE_NONE;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return failed(why, cap, directory, strerror(errno));
    dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return failed(why, cap, directory, strerror(errno));
    snprintf(path, sizeof(path), "%s/qcd.key", directory);
    ok = load_or_make(dir, path, key, why, cap);
    close(dir);
    if (ok)
        *secret = kc_key_import(crypto, kd_bytes(key, sizeof(key)));
    kc_wipe(key, sizeof(key));
    return ok;
}
