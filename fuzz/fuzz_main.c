/* For compilers without libFuzzer, and for the corpus as a regression test: runs each file, and
 * each file of each directory, given as argument through the target. Exits with 1 when there was
 * nothing to run. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUT_MAX (1 << 20)

static unsigned n_run;

/* The input in memory of exactly its size, so that ASan sees the first octet behind it. */
static int run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *all = malloc(INPUT_MAX), *exact;
    size_t len;

    if (!f || !all) {
        perror(path);
        free(all);
        return 1;
    }
    len = fread(all, 1, INPUT_MAX, f);
    fclose(f);
    exact = realloc(all, len ? len : 1);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    n_run++;
    return 0;
}

static int run_dir(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort), failed = n < 0;

    for (int i = 0; i < n; i++) {
        char file[4096];

        if (names[i]->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, names[i]->d_name);
            failed |= run_file(file);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;

        if (stat(argv[i], &st) != 0) {
            perror(argv[i]);
            failed = 1;
        } else {
            failed |= S_ISDIR(st.st_mode) ? run_dir(argv[i]) : run_file(argv[i]);
        }
    }
    printf("%u inputs\n", n_run);
    return failed || n_run == 0;
}
