/* kedge import against any text: what is read stays in its bounds, and what is written of it is
 * YAML that the configuration reader judges without harm. */
#include "config/config.h"
#include "peer/import.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct import *im)
{
    static struct core_config cfg;
    static struct config_errors errs;
    const struct config_env env = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    kd_assert(to);
    import_write(im, to);
    kd_assert(fclose(to) == 0);
    if (config_parse(kd_bytes(text, len), "import", &env, &cfg, &errs))
        config_discard(NULL, &cfg);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct import im;
    for (int from = 0; from < IMPORT_KINDS; from++) {
        bool any = import_read((enum import_from)from, kd_bytes(data, size), &im);
        kd_assert(!any || im.n > 0);
        kd_assert(im.n <= IMPORT_TUNNELS && im.n_notes <= IMPORT_NOTES);
        judge(&im);
    }
    return 0;
}
