/* Stands between a program and its disk: counts, records, fails or kills at the n-th step.

   Loaded with LD_PRELOAD. A step is a call that changes a file or a folder below `root`, or makes
   such a change durable. What is armed before a fork is shared with the children, count included.
*/
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT, RECORD, KILL_GROUP, KILL_ONE, FAIL };
enum { WRITE = 1, SYNC = 2, TRUNCATE = 4, CREATE = 8, NAME = 16, ALLOCATE = 32 };
enum { T_WRITE = 1, T_SYNC, T_TRUNCATE, T_CREATE, T_RENAME, T_UNLINK, T_MKDIR, T_RMDIR, T_LINK, T_MARK };

struct armed {
    pthread_mutex_t lock;
    long count, at, until; /* steps so far; the first that fails, and the first that does not again */
    int mode, kinds, error, tear, trace;
    uintptr_t low, high; /* where SQLite's code lies */
    char root[PATH_MAX];
};
static struct armed *armed;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int find_sqlite(struct dl_phdr_info *info, size_t size, void *data) {
    struct armed *a = data;
    if (!info->dlpi_name || !strstr(info->dlpi_name, "sqlite3")) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
        if (strstr(info->dlpi_name, "_sqlite3.")) continue; /* Python's own module of that name */
        a->low = info->dlpi_addr + part->p_vaddr;
        a->high = a->low + part->p_memsz;
    }
    return 0;
}

/* Begin; `trace` is an open descriptor or -1. */
void shim_arm(int mode, const char *root, int kinds, long at, long until, int error, int tear, int trace) {
    struct armed *a = mmap(NULL, sizeof *a, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t shared;
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&a->lock, &shared);
    a->mode = mode, a->kinds = kinds, a->at = at, a->until = until;
    a->error = error, a->tear = tear, a->trace = trace;
    snprintf(a->root, sizeof a->root, "%s/", root);
    dl_iterate_phdr(find_sqlite, a);
    armed = a;
}

long shim_count(void) { return armed ? armed->count : -1; }

void shim_disarm(void) { armed = NULL; }

static int ours(const char *path) {
    size_t end = strlen(path);
    if (end >= 4 && !strcmp(path + end - 4, "-shm")) return 0; /* memory that SQLite makes anew */
    if (strstr(path, " (deleted)")) return 0;
    size_t root = strlen(armed->root);
    return !strncmp(path, armed->root, root) || (end == root - 1 && !strncmp(path, armed->root, end));
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 1 || path[0] != '/') return 0;
    path[length] = 0;
    return ours(path);
}

static int path_at(int folder, const char *name, char *path) {
    if (!name) return 0;
    if (name[0] == '/') {
        if (strlen(name) >= PATH_MAX) return 0;
        strcpy(path, name);
    } else {
        char base[PATH_MAX], link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        if (folder == AT_FDCWD) strcpy(link, "/proc/self/cwd");
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 1) return 0;
        base[length] = 0;
        if (snprintf(path, PATH_MAX, "%s/%s", base, name) >= PATH_MAX) return 0;
    }
    return ours(path);
}

static void record(int kind, const char *path, const char *other, uint64_t offset, const void *data, uint64_t length) {
    uint64_t head[5] = {kind, strlen(path), other ? strlen(other) : 0, offset, data ? length : 0};
    if (armed->mode != RECORD) return;
    syscall(SYS_write, armed->trace, head, sizeof head);
    syscall(SYS_write, armed->trace, path, head[1]);
    if (other) syscall(SYS_write, armed->trace, other, head[2]);
    for (uint64_t done = 0; data && done < length;) {
        ssize_t now = syscall(SYS_write, armed->trace, (const char *)data + done, length - done);
        if (now <= 0) break;
        done += now;
    }
}

/* The file's number, by which a name that was changed behind our back is found again. */
static uint64_t number(int fd) {
    struct stat found;
    return fstat(fd, &found) ? 0 : found.st_ino;
}

/* A word of the program's own among the steps: "this was acknowledged". */
void shim_mark(const char *text) {
    if (!armed) return;
    pthread_mutex_lock(&armed->lock);
    record(T_MARK, text, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&armed->lock);
}

static void die(void) {
    syscall(SYS_kill, armed->mode == KILL_GROUP ? 0 : getpid(), SIGKILL);
    for (;;) pause();
}

/* Count a step. 1: it must fail. 2: half of it is to be done, then the end. */
static int step(int kind) {
    if (!(armed->kinds & kind)) return 0;
    long number = __atomic_add_fetch(&armed->count, 1, __ATOMIC_SEQ_CST);
    if (armed->mode == FAIL && number >= armed->at && number < armed->until) return errno = armed->error, 1;
    if ((armed->mode == KILL_GROUP || armed->mode == KILL_ONE) && number == armed->at) {
        if (kind == WRITE && armed->tear) return 2;
        die();
    }
    return 0;
}

#define LOCK if (armed->mode == RECORD) pthread_mutex_lock(&armed->lock)
#define UNLOCK do { int kept = errno; if (armed->mode == RECORD) pthread_mutex_unlock(&armed->lock); errno = kept; } while (0)

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write);
    char path[PATH_MAX];
    if (!armed || fd == armed->trace || !path_of(fd, path)) return real(fd, data, length);
    int what = step(WRITE);
    if (what == 1) return -1;
    if (what == 2) real(fd, data, length / 2), die();
    LOCK;
    ssize_t done = real(fd, data, length);
    if (done > 0) record(T_WRITE, path, NULL, lseek(fd, 0, SEEK_CUR) - done, data, done);
    UNLOCK;
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    REAL(pwrite);
    char path[PATH_MAX];
    if (!armed || !path_of(fd, path)) return real(fd, data, length, offset);
    int what = step(WRITE);
    if (what == 1) return -1;
    if (what == 2) real(fd, data, length / 2, offset), die();
    LOCK;
    ssize_t done = real(fd, data, length, offset);
    if (done > 0) record(T_WRITE, path, NULL, offset, data, done);
    UNLOCK;
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) { return pwrite(fd, data, length, offset); }

/* One piece after another; a short count is allowed. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    char path[PATH_MAX];
    if (!armed || !path_of(fd, path)) return real(fd, parts, count);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) return write(fd, parts[i].iov_base, parts[i].iov_len);
    return 0;
}

/* Programs fall back to writing. */
ssize_t sendfile64(int to, int from, off_t *offset, size_t count) {
    REAL(sendfile64);
    char path[PATH_MAX];
    if (!armed || !path_of(to, path)) return real(to, from, offset, count);
    return errno = ENOTSOCK, -1;
}

ssize_t sendfile(int to, int from, off_t *offset, size_t count) { return sendfile64(to, from, offset, count); }

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *offset, size_t count, unsigned flags) {
    REAL(copy_file_range);
    char path[PATH_MAX];
    if (!armed || !path_of(to, path)) return real(from, at, to, offset, count, flags);
    return errno = EXDEV, -1;
}

static int settle(int (*real)(int), int fd) {
    char path[PATH_MAX];
    if (!armed || !path_of(fd, path)) return real(fd);
    if (step(SYNC)) return -1;
    LOCK;
    int done = real(fd);
    if (!done) record(T_SYNC, path, NULL, number(fd), NULL, 0);
    UNLOCK;
    return done;
}

int fsync(int fd) {
    REAL(fsync);
    return settle(real, fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    return settle(real, fd);
}

int ftruncate(int fd, off_t length) {
    REAL(ftruncate);
    char path[PATH_MAX];
    if (!armed || !path_of(fd, path)) return real(fd, length);
    if (step(TRUNCATE)) return -1;
    LOCK;
    int done = real(fd, length);
    if (!done) record(T_TRUNCATE, path, NULL, length, NULL, 0);
    UNLOCK;
    return done;
}

int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int openat(int folder, const char *name, int flags, ...) {
    REAL(openat);
    char path[PATH_MAX];
    mode_t mode = 0;
    if (flags & (O_CREAT | __O_TMPFILE)) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    if (!armed || !(flags & (O_CREAT | O_TRUNC)) || !path_at(folder, name, path)) return real(folder, name, flags, mode);
    struct stat before;
    int there = !fstatat(folder, name, &before, 0);
    if ((!there || (flags & O_TRUNC && before.st_size)) && step(CREATE)) return -1;
    LOCK;
    int fd = real(folder, name, flags, mode);
    if (fd >= 0 && !there) record(T_CREATE, path, NULL, number(fd), NULL, 0);
    if (fd >= 0 && there && flags & O_TRUNC && before.st_size) record(T_TRUNCATE, path, NULL, 0, NULL, 0);
    UNLOCK;
    return fd;
}

int openat64(int folder, const char *name, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat(folder, name, flags, mode);
}

int open(const char *name, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return openat(AT_FDCWD, name, flags, mode);
}

static long rename_at(int from, const char *name, int to, const char *other, unsigned flags) {
    static __typeof__(&syscall) real;
    if (!real) real = (__typeof__(&syscall))dlsym(RTLD_NEXT, "syscall");
    char path[PATH_MAX], target[PATH_MAX];
    if (!armed || !path_at(to, other, target)) return real(SYS_renameat2, from, name, to, other, flags);
    path_at(from, name, path);
    if (step(NAME)) return -1;
    LOCK;
    long done = real(SYS_renameat2, from, name, to, other, flags);
    if (!done) record(T_RENAME, path, target, 0, NULL, 0);
    UNLOCK;
    return done;
}

int renameat2(int from, const char *name, int to, const char *other, unsigned flags) {
    return rename_at(from, name, to, other, flags);
}

int renameat(int from, const char *name, int to, const char *other) {
    return rename_at(from, name, to, other, 0);
}

int rename(const char *name, const char *other) { return renameat(AT_FDCWD, name, AT_FDCWD, other); }

/* Rust's libraries rename in this way. */
long syscall(long number, ...) {
    REAL(syscall);
    long given[6];
    va_list more;
    va_start(more, number);
    for (int i = 0; i < 6; i++) given[i] = va_arg(more, long);
    va_end(more);
    if (armed && number == SYS_renameat2)
        return rename_at(given[0], (char *)given[1], given[2], (char *)given[3], given[4]);
    return real(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

int linkat(int from, const char *name, int to, const char *other, int flags) {
    REAL(linkat);
    char path[PATH_MAX], target[PATH_MAX];
    if (!armed || !path_at(to, other, target)) return real(from, name, to, other, flags);
    path_at(from, name, path);
    if (step(NAME)) return -1;
    LOCK;
    int done = real(from, name, to, other, flags);
    if (!done) record(T_LINK, path, target, 0, NULL, 0);
    UNLOCK;
    return done;
}

int link(const char *name, const char *other) { return linkat(AT_FDCWD, name, AT_FDCWD, other, 0); }

int unlinkat(int folder, const char *name, int flags) {
    REAL(unlinkat);
    char path[PATH_MAX];
    if (!armed || !path_at(folder, name, path)) return real(folder, name, flags);
    if (step(NAME)) return -1;
    LOCK;
    int done = real(folder, name, flags);
    if (!done) record(flags & AT_REMOVEDIR ? T_RMDIR : T_UNLINK, path, NULL, 0, NULL, 0);
    UNLOCK;
    return done;
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t mode) {
    REAL(mkdirat);
    char path[PATH_MAX];
    if (!armed || !path_at(folder, name, path)) return real(folder, name, mode);
    if (step(NAME)) return -1;
    LOCK;
    int done = real(folder, name, mode);
    if (!done) record(T_MKDIR, path, NULL, 0, NULL, 0);
    UNLOCK;
    return done;
}

int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

/* SQLite's memory: whoever else asks is let through. */
extern void *__libc_malloc(size_t);
extern void *__libc_realloc(void *, size_t);

static int refused(void *caller) {
    uintptr_t from = (uintptr_t)caller;
    return armed && armed->kinds & ALLOCATE && from >= armed->low && from < armed->high && step(ALLOCATE);
}

void *malloc(size_t size) { return refused(__builtin_return_address(0)) ? NULL : __libc_malloc(size); }

void *realloc(void *old, size_t size) {
    return refused(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}
