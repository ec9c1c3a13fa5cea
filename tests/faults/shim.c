/* Preloaded into a program under test. Three things, each by its own environment variable:

   SRA_SHIM_LOG=file, SRA_SHIM_ROOT=folder: append to `file`, in the order in which they happen, every
   change of a file under `folder` (write, truncate, sync, create, rename, unlink), the start of every
   answer that is sent to a socket, and every program that is executed. powercut.py reads it.

   SRA_SHIM_FAIL=file, SRA_SHIM_ROOT=folder: two numbers of eight bytes, which may change at any time: the
   errno with which every write under `folder` fails, and that with which every third sync fails; 0 for none.

   SRA_SHIM_CLOCK=file: eight bytes, the seconds by which the wall clock is wrong; may change at any time. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES 4096
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[PATH_MAX], log_path[PATH_MAX];
static size_t root_length;
static char *path_of[FILES];
static volatile int64_t *wrong, *failing;
static unsigned syncs;

#define REAL(name) ((__typeof__(&name))real_##name)
#define NEXT(name) static void *real_##name; if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

struct head { uint32_t magic; char kind; char pad[3]; int64_t place; uint32_t name; uint32_t data; };

static void note(char kind, int64_t place, const char *name, const void *data, size_t length) {
    struct head head = {0x53524131, kind, {0}, place, name ? strlen(name) : 0, length};
    struct iovec parts[3] = {{&head, sizeof head}, {(void *)name, head.name}, {(void *)data, length}};
    if (log_fd >= 0) syscall(SYS_writev, log_fd, parts, 3);
}

static void *shared(const char *path, size_t length) {
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    void *page = mmap(0, length, PROT_READ, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    return page == MAP_FAILED ? 0 : page;
}

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("SRA_SHIM_LOG"), *under = getenv("SRA_SHIM_ROOT"), *clock = getenv("SRA_SHIM_CLOCK");
    const char *fail = getenv("SRA_SHIM_FAIL");
    if (under) {
        snprintf(root, sizeof root, "%s/", under);
        root_length = strlen(root);
    }
    if (log && under) {
        snprintf(log_path, sizeof log_path, "%s", log);
        int fd = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
        syscall(SYS_close, fd);
    }
    if (clock) wrong = shared(clock, 8);
    if (fail) failing = shared(fail, 16);
}

static int ours(const char *path, char *whole) {
    char folder[PATH_MAX];
    if (!root_length || !path) return 0;
    if (path[0] == '/') snprintf(whole, PATH_MAX, "%s", path);
    else if (getcwd(folder, sizeof folder)) snprintf(whole, PATH_MAX, "%s/%s", folder, path);
    else return 0;
    return !strncmp(whole, root, root_length) || (strlen(whole) + 1 == root_length && !strncmp(whole, root, root_length - 1));
}

static int known(int fd) { return fd >= 0 && fd < FILES && path_of[fd]; }

static int opened(int fd, const char *path, int flags, int was) {
    char whole[PATH_MAX];
    if (fd < 0 || fd >= FILES || !ours(path, whole)) return fd;
    free(path_of[fd]);
    path_of[fd] = strdup(whole + (strlen(whole) >= root_length ? root_length : root_length - 1));
    if ((flags & O_CREAT) && !was) note('C', 0, path_of[fd], 0, 0);
    if (flags & O_TRUNC) note('T', 0, path_of[fd], 0, 0);
    return fd;
}

#define OPEN(name, at) \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (!root_length) return syscall(SYS_openat, at, path, flags, mode); \
    pthread_mutex_lock(&turn); \
    int was = syscall(SYS_faccessat, at, path, F_OK) == 0; \
    int fd = syscall(SYS_openat, at, path, flags, mode); \
    int error = errno; \
    opened(fd, path, flags, was); \
    pthread_mutex_unlock(&turn); \
    errno = error; \
    return fd;
int open(const char *path, int flags, ...) { OPEN(open, AT_FDCWD) }
int open64(const char *path, int flags, ...) { OPEN(open64, AT_FDCWD) }
int openat(int at, const char *path, int flags, ...) { OPEN(openat, at) }
int openat64(int at, const char *path, int flags, ...) { OPEN(openat64, at) }

int close(int fd) {
    if (fd == log_fd && log_fd >= 0) return 0;
    if (known(fd)) {
        pthread_mutex_lock(&turn);
        free(path_of[fd]);
        path_of[fd] = 0;
        pthread_mutex_unlock(&turn);
    }
    return syscall(SYS_close, fd);
}

static void answered(int fd, const void *data, size_t length) {
    if (log_fd >= 0 && length > 8 && (!memcmp(data, "HTTP/1.", 7) || !memcmp(data, "POST /", 6)))
        note('A', fd, 0, data, length < 400 ? length : 400);
}

#define MAY_FAIL(fd) if (known(fd) && failing && failing[0]) { errno = failing[0]; return -1; }

ssize_t write(int fd, const void *data, size_t length) {
    MAY_FAIL(fd)
    if (!known(fd)) { answered(fd, data, length); return syscall(SYS_write, fd, data, length); }
    pthread_mutex_lock(&turn);
    ssize_t done = syscall(SYS_write, fd, data, length);
    int error = errno;
    if (done > 0) note('W', lseek(fd, 0, SEEK_CUR) - done, path_of[fd], data, done);
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

#define PWRITE \
    MAY_FAIL(fd) \
    if (!known(fd)) return syscall(SYS_pwrite64, fd, data, length, place); \
    pthread_mutex_lock(&turn); \
    ssize_t done = syscall(SYS_pwrite64, fd, data, length, place); \
    int error = errno; \
    if (done > 0) note('W', place, path_of[fd], data, done); \
    pthread_mutex_unlock(&turn); \
    errno = error; \
    return done;
ssize_t pwrite(int fd, const void *data, size_t length, off_t place) { PWRITE }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t place) { PWRITE }

#define TRUNCATE \
    MAY_FAIL(fd) \
    pthread_mutex_lock(&turn); \
    int done = syscall(SYS_ftruncate, fd, length); \
    int error = errno; \
    if (!done && known(fd)) note('T', length, path_of[fd], 0, 0); \
    pthread_mutex_unlock(&turn); \
    errno = error; \
    return done;
int ftruncate(int fd, off_t length) { TRUNCATE }
int ftruncate64(int fd, off64_t length) { TRUNCATE }

#define SYNC(number) \
    if (known(fd) && failing && failing[1] && ++syncs % 3 == 0) { errno = failing[1]; return -1; } \
    pthread_mutex_lock(&turn); \
    int done = syscall(number, fd); \
    int error = errno; \
    if (!done && known(fd)) note('S', 0, path_of[fd], 0, 0); \
    pthread_mutex_unlock(&turn); \
    errno = error; \
    return done;
int fsync(int fd) { SYNC(SYS_fsync) }
int fdatasync(int fd) { SYNC(SYS_fdatasync) }

int rename(const char *from, const char *to) {
    char a[PATH_MAX], b[PATH_MAX];
    pthread_mutex_lock(&turn);
    int done = syscall(SYS_rename, from, to), error = errno;
    if (!done && ours(from, a) && ours(to, b)) note('R', 0, a + root_length, b + root_length, strlen(b + root_length));
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

int unlink(const char *path) {
    char a[PATH_MAX];
    pthread_mutex_lock(&turn);
    int done = syscall(SYS_unlink, path), error = errno;
    if (!done && ours(path, a)) note('U', 0, a + root_length, 0, 0);
    pthread_mutex_unlock(&turn);
    errno = error;
    return done;
}

ssize_t send(int fd, const void *data, size_t length, int flags) {
    answered(fd, data, length);
    return syscall(SYS_sendto, fd, data, length, flags, 0, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (message->msg_iovlen) answered(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    return syscall(SYS_sendmsg, fd, message, flags);
}

int execve(const char *path, char *const arguments[], char *const environment[]) {
    if (log_fd >= 0) { /* a child that is about to run a program has closed our descriptor */
        log_fd = syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CLOEXEC, 0);
        note('X', 0, path, 0, 0);
        syscall(SYS_close, log_fd);
        log_fd = 900;
    }
    return syscall(SYS_execve, path, arguments, environment);
}

int clock_gettime(clockid_t which, struct timespec *at) {
    NEXT(clock_gettime);
    int done = REAL(clock_gettime)(which, at);
    if (!done && wrong && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) at->tv_sec += *wrong;
    return done;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
