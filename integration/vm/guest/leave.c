/* leave: memory that outlives who took it.
 *
 *     leave sysv MIB            a System V segment of MIB mebibytes, then waits; the segment stays
 *     leave memfd MIB CGROUP    a memfd that a child fills in the cgroup CGROUP, and that the parent, outside, keeps open
 *     leave file MIB CGROUP PATH   the same with a file, which is deleted
 *     leave stuck MIB GO PATH      MIB mebibytes of its own; when the file GO is there, a write to PATH, which may never return
 *     leave hot MIB PATH           nothing: maps the first MIB mebibytes of PATH and reads a byte of each page, over and over
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(3);
}

static void fill(char *memory, size_t size)
{
    for (size_t at = 0; at < size; at += 4096)
        memory[at] = 1;
}

static void enter(const char *cgroup)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/cgroup.procs", cgroup);
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, "0", 1) != 1)
        fail(path);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    size_t size = strtoul(argv[2], NULL, 10) << 20;
    if (strcmp(argv[1], "sysv") == 0) {
        int id = shmget(IPC_PRIVATE, size, IPC_CREAT | 0600);
        char *memory = id < 0 ? (char *)-1 : shmat(id, NULL, 0);
        if (memory == (char *)-1)
            fail("shmat");
        fill(memory, size);
        puts("ready");
        fflush(stdout);
        for (;;)
            pause();
    }
    if (argc < 4)
        return 2;
    if (strcmp(argv[1], "hot") == 0) {
        int file = open(argv[3], O_RDONLY);
        volatile char *memory = file < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_SHARED, file, 0);
        if (memory == MAP_FAILED)
            fail(argv[3]);
        for (char sum = 0;;)
            for (size_t at = 0; at < size; at += 4096)
                sum += memory[at];
    }
    if (strcmp(argv[1], "stuck") == 0) {
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            fail("mmap");
        fill(memory, size);
        while (access(argv[3], F_OK) != 0)
            usleep(100000);
        int file = open(argv[4], O_WRONLY | O_CREAT, 0600);
        return file < 0 || write(file, "x", 1) != 1;
    }
    int fd = strcmp(argv[1], "memfd") == 0 ? memfd_create("left", 0) : open(argv[4], O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || ftruncate(fd, size) != 0)
        fail("memfd_create");
    if (strcmp(argv[1], "file") == 0)
        unlink(argv[4]);
    if (fork() == 0) {
        enter(argv[3]);
        char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            fail("mmap");
        fill(memory, size);
        puts("ready");
        fflush(stdout);
        for (;;)
            pause();
    }
    for (;;)
        pause();
}
