/* hog: takes memory and keeps it, so that a scenario can run a machine out of it at a known pace.
 *
 *     hog MIB             touches MIB mebibytes (0: until it is stopped), then waits
 *     hog MIB --brood N   the same, shared out among N children that hold their share until each has his or is dead, and end,
 *                         as compilers do; the parent does not look at how they ended
 *
 * Static and tiny, because it is copied into every container and its own size must not matter.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, HUGE = 2 << 20, CHUNK = 4 << 20 };

static void take(unsigned long mib)
{
    unsigned long taken = 0;
    while (mib == 0 || taken < mib) {
        char *chunk = mmap(NULL, CHUNK + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (chunk == MAP_FAILED) {
            /* An overcommit limit is not an out-of-memory: a scenario must not mistake one for the other. */
            perror("hog: mmap");
            exit(3);
        }
        /* One byte per page is enough to own the page. Aligned, so that the kernel may give huge pages, which are fewer faults; not
         * asked to, because then it moves memory about to make some. */
        chunk += HUGE - (uintptr_t)chunk % HUGE;
        for (size_t at = 0; at < CHUNK; at += PAGE)
            chunk[at] = 1;
        taken += CHUNK >> 20;
    }
}

/* Every child closes its end of `taken` when it has its share, or dies; then the parent closes `go`, and they end. No clock. */
static void hatch(unsigned long share, long brood)
{
    int taken[2], go[2];
    char byte;
    if (pipe(taken) != 0 || pipe(go) != 0) {
        perror("hog: pipe");
        exit(3);
    }
    for (long child = 0; child < brood; child++) {
        if (fork() == 0) {
            close(taken[0]);
            close(go[1]);
            take(share);
            close(taken[1]);
            while (read(go[0], &byte, 1) > 0)
                ;
            _exit(0);
        }
    }
    close(taken[1]);
    close(go[0]);
    while (read(taken[0], &byte, 1) > 0)
        ;
    close(go[1]);
    while (wait(NULL) > 0)
        ;
}

int main(int argc, char **argv)
{
    if (argc != 2 && !(argc == 4 && strcmp(argv[2], "--brood") == 0)) {
        fprintf(stderr, "usage: hog MIB [--brood N]\n");
        return 2;
    }
    unsigned long mib = strtoul(argv[1], NULL, 10);
    long brood = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (brood == 0) {
        take(mib);
        for (;;)
            pause();
    }
    hatch(mib / brood + 1, brood);
    return 0;
}
