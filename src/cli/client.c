/* The HTTP client over the daemon's Unix socket (libcurl). */
#include "cli/cli.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX   (256 * 1024 * 1024) /* a full table of routes as JSON */
#define LINE_MAX_LEN (1024 * 1024)
#define CONNECT_S    5L
#define ANSWER_S     30L /* the daemon answers from memory */

/* What has arrived: all of it, or (in a stream) the line that isn't complete yet. */
struct incoming {
    char *p;
    size_t len, cap, max;
    bool (*fn)(void *arg, json_t *line); /* a stream */
    void *arg;
    bool (*tick)(void *arg);
    FILE *to;     /* where it goes as it comes: then nothing is kept */
    bool stopped; /* fn had enough */
    CURL *curl;
};

static bool append(struct incoming *in, const char *data, size_t n)
{
    if (in->len + n > in->max)
        return false;
    if (in->len + n > in->cap) {
        size_t cap = KD_MAX(2 * in->cap, in->len + n);
        char *grown = realloc(in->p, cap);
        if (!grown)
            return false;
        in->p = grown;
        in->cap = cap;
    }
    memcpy(in->p + in->len, data, n);
    in->len += n;
    return true;
}

/* Gives complete lines away; false when fn had enough. */
static bool give_lines(struct incoming *in)
{
    char *start = in->p, *nl;
    bool more = true;
    while (more && (nl = memchr(start, '\n', in->len - (size_t)(start - in->p))) != NULL) {
        json_t *line = json_loadb(start, (size_t)(nl - start), 0, NULL);
        if (line)
            more = in->fn(in->arg, line);
        json_decref(line);
        start = nl + 1;
    }
    size_t used = (size_t)(start - in->p);
    if (used > 0)
        memmove(in->p, start, in->len - used);
    in->len -= used;
    return more;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    struct incoming *in = arg;
    long status = 0;
    curl_easy_getinfo(in->curl, CURLINFO_RESPONSE_CODE, &status);
    if (in->to && status < 400)
        return fwrite(data, size, n, in->to) * size;
    if (!append(in, data, size * n))
        return 0;
    if (in->fn && status < 400 && !give_lines(in)) {
        in->stopped = true;
        return 0; /* ends the transfer */
    }
    return size * n;
}

static enum cli_exit unreachable(const struct cli *c, CURL *curl)
{
    long err = 0;
    curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &err);
    fprintf(stderr, "kedge: kedged isn't reachable at %s: ", c->socket);
    if (err == EACCES || err == EPERM)
        fputs("no permission; be root or a member of the group control.group names\n", stderr);
    else
        fputs("is it running? Start it (systemctl start kedged), or name its socket with --socket "
              "PATH or $KEDGE_SOCKET\n",
              stderr);
    return CLI_UNREACHABLE;
}

/* An answer of 400 and above: {"error", "remedy"}. */
static enum cli_exit refused(const struct incoming *in, long status)
{
    json_t *o = json_loadb(in->p ? in->p : "", in->len, 0, NULL);
    json_t *line;
    size_t i;
    if (json_is_string(json_object_get(o, "error")))
        fprintf(stderr, "kedge: %s; %s\n", cli_str(o, "error"), cli_str(o, "remedy"));
    else
        fprintf(stderr, "kedge: the daemon answered with HTTP status %ld\n", status);
    json_array_foreach (json_object_get(o, "errors"), i, line) /* of a configuration */
        fprintf(stderr, "%s\n", json_string_value(line));
    json_decref(o);
    return CLI_FAILED;
}

static CURL *prepare(const struct cli *c, const char *path, struct incoming *in)
{
    char url[1024];
    CURL *curl = curl_easy_init();
    if (!curl)
        return NULL;
    snprintf(url, sizeof(url), "http://kedge%s", path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, in);
    in->curl = curl;
    return curl;
}

/* What the end of a transfer means; CLI_OK only for an answer below 400. */
static enum cli_exit judge(const struct cli *c, CURL *curl, CURLcode rc, const struct incoming *in)
{
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 400)
        return refused(in, status);
    if (in->stopped)
        return CLI_OK;
    if (rc == CURLE_OPERATION_TIMEDOUT)
        return CLI_TIMEOUT;
    if (rc == CURLE_OK)
        return CLI_OK;
    if (rc == CURLE_COULDNT_CONNECT)
        return unreachable(c, curl);
    fprintf(stderr, "kedge: the connection to kedged at %s broke: %s\n", c->socket,
            curl_easy_strerror(rc));
    return CLI_UNREACHABLE;
}

enum cli_exit cli_ask(const struct cli *c, const char *method, const char *path, const char *body,
                      json_t **out)
{
    struct incoming in = {.max = ANSWER_MAX};
    CURL *curl = prepare(c, path, &in);
    *out = NULL;
    if (!curl)
        return CLI_FAILED;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, ANSWER_S);
    if (strcmp(method, "POST") == 0)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
    CURLcode rc = curl_easy_perform(curl);
    enum cli_exit e = judge(c, curl, rc, &in);
    if (e == CLI_TIMEOUT)
        fprintf(stderr, "kedge: kedged at %s doesn't answer\n", c->socket);
    if (e == CLI_OK) {
        *out = json_loadb(in.p ? in.p : "", in.len, 0, NULL);
        if (!*out) {
            fputs("kedge: the daemon's answer is not JSON\n", stderr);
            e = CLI_FAILED;
        }
    }
    curl_easy_cleanup(curl);
    free(in.p);
    return e;
}

enum cli_exit cli_download(const struct cli *c, const char *path, bool endless, FILE *to)
{
    struct incoming in = {.max = LINE_MAX_LEN, .to = to};
    CURL *curl = prepare(c, path, &in);
    if (!curl)
        return CLI_FAILED;
    if (!endless)
        curl_easy_setopt(curl, CURLOPT_TIMEOUT, ANSWER_S);
    CURLcode rc = curl_easy_perform(curl);
    enum cli_exit e = judge(c, curl, rc, &in);
    if (e == CLI_TIMEOUT)
        fprintf(stderr, "kedge: kedged at %s doesn't answer\n", c->socket);
    curl_easy_cleanup(curl);
    free(in.p);
    return e;
}

static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up)
{
    struct incoming *in = arg;
    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    in->stopped |= !in->tick(in->arg);
    return in->stopped;
}

static enum cli_exit stream(const struct cli *c, const char *path, const char *body,
                            uint64_t timeout_us, struct incoming in)
{
    CURL *curl = prepare(c, path, &in);
    if (!curl)
        return CLI_FAILED;
    if (in.tick) {
        curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
        curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &in);
    }
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    if (timeout_us)
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_us / 1000));
    CURLcode rc = curl_easy_perform(curl);
    enum cli_exit e = judge(c, curl, rc, &in);
    curl_easy_cleanup(curl);
    free(in.p);
    return e;
}

enum cli_exit cli_stream(const struct cli *c, const char *path, const char *body,
                         uint64_t timeout_us, bool (*fn)(void *arg, json_t *line), void *arg)
{
    const struct incoming in = {.max = LINE_MAX_LEN, .fn = fn, .arg = arg};
    return stream(c, path, body, timeout_us, in);
}

enum cli_exit cli_stream_ticking(const struct cli *c, const char *path, const char *body,
                                 bool (*fn)(void *arg, json_t *line), bool (*tick)(void *arg),
                                 void *arg)
{
    const struct incoming in = {.max = LINE_MAX_LEN, .fn = fn, .tick = tick, .arg = arg};
    return stream(c, path, body, 0, in);
}

void cli_query(char *path, size_t cap, const char *key, const char *value)
{
    size_t n = strlen(path);
    char *escaped = value ? curl_easy_escape(NULL, value, 0) : NULL;
    if (escaped)
        snprintf(path + n, cap - n, "%c%s=%s", strchr(path, '?') ? '&' : '?', key, escaped);
    curl_free(escaped);
}
