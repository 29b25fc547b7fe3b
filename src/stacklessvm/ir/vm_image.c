/* Images of the translation cache: finding a module's, reading its file, writing it at the end.
 *
 * The file of `__pycache__/name.tag.pyc` is `name.tag.pyrs` there, so optimisation levels and
 * PYTHONPYCACHEPREFIX are honoured.  Code of frozen modules, which have no .pyc, goes to the
 * image of the package itself.
 *
 *      FileHead | VmRecord ...
 *
 * A file is replaced by a rename, never changed; of two processes that write, one wins.  Whatever
 * can't be read, written, or isn't as expected is as if it were not there.
 */
#include "ir/vm_arena.h"
#include "ir/vm_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MADE_LIMIT ((size_t)64 << 20)   /* bytes made in one image: a program that makes code forever */

typedef struct {
    char magic[8];
    uint64_t build;             /* of whoever wrote it, see build_of() */
    uint8_t pyc[16];            /* header of the .pyc beside it: a stale file is known by that */
    uint64_t bytes;             /* of the records */
    uint64_t sum;               /* of all that is above, and of the records */
} FileHead;

static const char MAGIC[8] = {'p', 'y', 'r', 's', '\r', '\n', 0x1a, '\n'};

static struct {
    int started;
    int checks;                 /* PYRS_CACHE=check */
    pid_t pid;
    uint64_t build;
    VmImage *first;
    VmImage *home;              /* of frozen modules' code; NULL: not asked for yet */
    PyObject *home_pyc;         /* owned for good, or NULL */
    PyObject *by_file;          /* dict: co_filename -> address of its image; owned for good */
} cache;

/* -- slots ------------------------------------------------------------------------------------- */

VmImageSlot *
vm_image_slot(VmImage *image, uint64_t key)
{
    if (image->n_slots == 0)
        return NULL;
    uint32_t i = (uint32_t)key;
    for (;; i++) {
        VmImageSlot *slot = &image->slots[i & (image->n_slots - 1)];
        if (slot->record == NULL || slot->record->key == key)
            return slot;
    }
}

/* At least a third of the slots stay free. */
static int
make_room(VmImage *image)
{
    if (image->n_records < image->n_slots - image->n_slots / 3)
        return 0;
    uint32_t n = image->n_slots;
    VmImageSlot *old = image->slots, *slots = PyMem_RawCalloc(n == 0 ? 16 : 2 * n, sizeof *slots);
    if (slots == NULL)
        return -1;
    image->slots = slots;
    image->n_slots = n == 0 ? 16 : 2 * n;
    for (uint32_t i = 0; i < n; i++) {
        if (old[i].record != NULL)
            *vm_image_slot(image, old[i].record->key) = old[i];
    }
    PyMem_RawFree(old);
    return 0;
}

static VmImageSlot *
put(VmImage *image, uint64_t key, VmRecord *r)
{
    if (make_room(image) < 0)
        return NULL;
    VmImageSlot *slot = vm_image_slot(image, key);
    image->n_records += slot->record == NULL;
    *slot = (VmImageSlot){.record = r};
    return slot;
}

int
vm_image_add(VmImage *image, VmRecord *r)
{
    VmImageSlot *slot = r->bytes > MADE_LIMIT - image->made ? NULL : put(image, r->key, r);
    if (slot == NULL)
        return -1;
    slot->used = 1;
    image->made += r->bytes;
    return 0;
}

/* -- what wrote a file ---------------------------------------------------------------------------- */

/* The linker's hash of the module this function is in, the same for the same compiled code. */
static int
find_build_id(struct dl_phdr_info *info, size_t size, void *sum)
{
    uintptr_t here = (uintptr_t)&find_build_id;
    const char *note = NULL;
    size_t left = 0;
    int ours = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + p->p_vaddr;
        ours |= p->p_type == PT_LOAD && here - start < p->p_memsz;
    }
    for (int i = 0; ours && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_NOTE)
            continue;
        note = (const char *)(info->dlpi_addr + p->p_vaddr);
        left = p->p_memsz;
        while (left >= sizeof(ElfW(Nhdr))) {
            const ElfW(Nhdr) *n = (const void *)note;
            size_t name = (n->n_namesz + 3u) & ~3u, all = sizeof *n + name + ((n->n_descsz + 3u) & ~3u);
            if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4)
                *(uint64_t *)sum = vm_sum(1, note + sizeof *n + name, n->n_descsz);
            if (all > left)
                break;
            note += all;
            left -= all;
        }
    }
    return ours;
}

/* Our version and compiled code, and CPython's bytecode; 0 where that can't be told. */
static uint64_t
build_of(PyObject *package)
{
    uint64_t sum = 0;
    long magic = PyImport_GetMagicNumber();
    PyObject *version = PyDict_GetItemString(package, "__version__");       /* borrowed */
    Py_ssize_t n;
    const char *text = version != NULL && PyUnicode_Check(version) ? PyUnicode_AsUTF8AndSize(version, &n) : NULL;
    dl_iterate_phdr(find_build_id, &sum);
    if (sum == 0 || text == NULL || magic == -1)
        return 0;
    return vm_sum(vm_sum(sum, text, (size_t)n), &magic, sizeof magic);
}

/* -- reading --------------------------------------------------------------------------------------- */

static int
read_all(int fd, char *to, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, to, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        to += got;
        n -= (size_t)got;
    }
    return 0;
}

/* Files lie one behind the other.  -> borrowed for good, or NULL: too large for what is left of the
   piece, or not to be read */
static char *
read_into_rest(int fd, size_t at_least, size_t *size)
{
    size_t left;
    char *data = vm_arena_rest(at_least, &left);
    ssize_t got = data == NULL ? 0 : read(fd, data, left);
    if (got <= 0 || (size_t)got == left)
        return NULL;
    vm_arena_keep((size_t)got);
    *size = (size_t)got;
    return data;
}

/* A large file.  -> borrowed for good, or NULL */
static char *
read_large(int fd, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(FileHead)
        || st.st_size >= (off_t)1 << 30 || lseek(fd, 0, SEEK_SET) != 0)
        return NULL;
    char *data = read_into_rest(fd, (size_t)st.st_size + 1, size);
    if (data != NULL)
        return data;
    *size = (size_t)st.st_size;
    data = lseek(fd, 0, SEEK_SET) == 0 ? PyMem_RawMalloc(*size) : NULL;
    if (data != NULL && read_all(fd, data, *size) < 0) {
        PyMem_RawFree(data);
        data = NULL;
    }
    return data;
}

/* -> borrowed for good, or NULL: there is none, or it can't be read */
static char *
read_file(const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);     /* should it be a pipe */
    if (fd < 0)
        return NULL;
    char *data = read_into_rest(fd, 4096, size);
    if (data == NULL)
        data = read_large(fd, size);
    close(fd);
    return data;
}

/* Two sums of four lanes, as Fletcher's: of the words, and of that sum behind each row, in which it
   shows where a word stands.  vm_sum() takes three times as long, which for whole files can be
   measured. */
static uint64_t
records_sum(uint64_t h, const char *p, size_t n)
{
    uint64_t row[4], words[4] = {0}, rows[4] = {0};
    for (; n >= sizeof row; n -= sizeof row, p += sizeof row) {
        memcpy(row, p, sizeof row);
        VM_UNROLL_4
        for (int i = 0; i < 4; i++)
            rows[i] += words[i] += row[i];
    }
    h = vm_sum(vm_sum(h, words, sizeof words), rows, sizeof rows);
    return vm_sum(h, p, n);
}

static uint64_t
file_sum(const FileHead *head, const char *records)
{
    return records_sum(vm_sum(0, head, offsetof(FileHead, sum)), records, head->bytes);
}

static int
is_ours(const FileHead *head, size_t size)
{
    return size >= sizeof *head && memcmp(head->magic, MAGIC, sizeof MAGIC) == 0 && head->build == cache.build
           && head->bytes == size - sizeof *head
           && head->sum == file_sum(head, (const char *)(head + 1));
}

static void
read_image(VmImage *image)
{
    size_t size = 0, at = sizeof(FileHead);
    char *file = read_file(image->path, &size);
    const FileHead *head = (const FileHead *)file;
    if (file == NULL || !is_ours(head, size))
        return;
    image->file = file;
    memcpy(image->pyc, head->pyc, sizeof image->pyc);
    while (size - at >= sizeof(VmRecord)) {
        VmRecord *r = (VmRecord *)(file + at);
        if (r->bytes < sizeof *r || r->bytes > size - at || r->bytes % 8 != 0
            || put(image, r->key, r) == NULL)
            return;
        at += r->bytes;
    }
}

/* -- finding a module's ------------------------------------------------------------------------------- */

/* The image of the module whose .pyc this is; NULL where there can be none.  Exceptions may be
   set. */
static VmImage *
image_beside(PyObject *pyc)
{
    PyObject *bytes = NULL;                             /* owned */
    VmImage *image = NULL;
    if (pyc == NULL || !PyUnicode_CheckExact(pyc) || !PyUnicode_FSConverter(pyc, &bytes))
        goto done;
    size_t n = (size_t)PyBytes_GET_SIZE(bytes);
    if (n < 4 || memcmp(PyBytes_AS_STRING(bytes) + n - 4, ".pyc", 4) != 0)
        goto done;
    image = PyMem_RawCalloc(1, sizeof *image + n + 2);
    if (image == NULL)
        goto done;
    image->path = (char *)(image + 1);
    memcpy(image->path, PyBytes_AS_STRING(bytes), n - 4);
    memcpy(image->path + n - 4, ".pyrs", 6);
    read_image(image);
    image->next = cache.first;
    cache.first = image;
done:
    Py_XDECREF(bytes);
    return image;
}

/* Asked each time, as import does.  What is no flag is what interpreter shutdown left of it. */
static int
is_off(void)
{
    PyObject *no_bytecode = PySys_GetObject("dont_write_bytecode");     /* borrowed */
    return no_bytecode == NULL || no_bytecode == Py_None || PyObject_IsTrue(no_bytecode) != 0;
}

int
vm_image_doubts(void)
{
#ifdef VM_HOSTILE
    return 1;
#else
    return cache.checks;
#endif
}

static void write_images(void);

void
vm_image_start(void)
{
    PyObject *package = PyDict_GetItemString(PyImport_GetModuleDict(), "pyrs");     /* borrowed */
    PyObject *names = package != NULL && PyModule_Check(package) ? PyModule_GetDict(package) : NULL;
    const char *wish = getenv("PYRS_CACHE");
    if (names != NULL && (wish == NULL || strcmp(wish, "off") != 0))
        cache.build = build_of(names);
    cache.checks = wish != NULL && strcmp(wish, "check") == 0;
    if (cache.build != 0)
        cache.by_file = PyDict_New();
    cache.pid = getpid();
    if (cache.by_file != NULL && Py_AtExit(write_images) == 0) {
        cache.home_pyc = Py_XNewRef(PyDict_GetItemString(names, "__cached__"));
        cache.started = 1;
    }
    PyErr_Clear();
}

/* A file's name as import writes it into the code of frozen modules. */
static int
is_frozen(PyObject *file)
{
    static const char prefix[] = "<frozen ";
    const char *text = PyUnicode_IS_COMPACT_ASCII(file) ? (const char *)PyUnicode_DATA(file) : "";
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The image of a file not seen before, whose module has these globals. */
static VmImage *
new_image(PyObject *file, PyObject *globals)
{
    if (is_off())
        return NULL;
    if (is_frozen(file)) {
        if (cache.home == NULL)
            cache.home = image_beside(cache.home_pyc);
        return cache.home;
    }
    if (globals == NULL)
        return NULL;
    PyObject *own_file = PyDict_GetItemString(globals, "__file__");     /* borrowed */
    if (own_file == NULL || !PyUnicode_CheckExact(own_file) || PyUnicode_Compare(own_file, file) != 0)
        return NULL;
    return image_beside(PyDict_GetItemString(globals, "__cached__"));
}

#define RECENT 16

static VmImage *
known_image(PyObject *file)
{
    PyObject *address = PyDict_GetItemWithError(cache.by_file, file);   /* borrowed */
    return address == NULL ? NULL : PyLong_AsVoidPtr(address);
}

static void
remember(PyObject *file, VmImage *image)
{
    PyObject *address = PyLong_FromVoidPtr(image);      /* owned */
    if (address != NULL)
        PyDict_SetItem(cache.by_file, file, address);
    Py_XDECREF(address);
}

static VmImage *
find_image(PyObject *file, PyObject *globals)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    VmImage *image = known_image(file);
    if (image == NULL) {
        image = new_image(file, globals);
        if (image != NULL)
            remember(file, image);
    }
    PyErr_Restore(type, value, traceback);              /* what was raised above is dropped */
    return image;
}

VmImage *
vm_image_of(PyCodeObject *co, PyObject *globals)
{
    /* of the files asked for just before, by the address of a name that is held here */
    static struct {
        PyObject *file;         /* owned for good, or NULL */
        VmImage *image;
    } recent[RECENT], *at;
    PyObject *file = co->co_filename;
    if (!cache.started || !PyUnicode_CheckExact(file))
        return NULL;
    at = &recent[(uintptr_t)file / 64 % RECENT];
    if (at->file == file)
        return at->image;
    VmImage *image = find_image(file, globals);
    if (image != NULL) {
        Py_XSETREF(at->file, Py_NewRef(file));
        at->image = image;
    }
    return image;
}

/* -- writing -------------------------------------------------------------------------------------------- */

/* The header of the .pyc, and its mode; -1 where there is none. */
static int
look_at_pyc(const VmImage *image, uint8_t *header, mode_t *mode)
{
    struct stat st;
    size_t n = strlen(image->path);
    char *path = PyMem_RawMalloc(n + 1);
    int fd, status = -1;
    if (path == NULL)
        return -1;
    memcpy(path, image->path, n - 5);
    memcpy(path + n - 5, ".pyc", 5);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && read_all(fd, (char *)header, 16) == 0)
        status = 0;
    if (status == 0)
        *mode = st.st_mode & 0666;
    if (fd >= 0)
        close(fd);
    PyMem_RawFree(path);
    return status;
}

/* The file's text, records that this process had no use for only with `all`. -> new, or NULL */
static char *
compose(const VmImage *image, const uint8_t *pyc, int all, size_t *size)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < image->n_slots; i++) {
        const VmImageSlot *slot = &image->slots[i];
        if (slot->record != NULL && (all || slot->used))
            bytes += slot->record->bytes;
    }
    char *text = PyMem_RawCalloc(1, sizeof(FileHead) + bytes), *p = text + sizeof(FileHead);
    if (text == NULL)
        return NULL;
    for (uint32_t i = 0; i < image->n_slots; i++) {
        const VmImageSlot *slot = &image->slots[i];
        if (slot->record == NULL || !(all || slot->used))
            continue;
        memcpy(p, slot->record, slot->record->bytes);
        p += slot->record->bytes;
    }
    FileHead *head = (FileHead *)text;
    memcpy(head->magic, MAGIC, sizeof MAGIC);
    memcpy(head->pyc, pyc, sizeof head->pyc);
    head->build = cache.build;
    head->bytes = bytes;
    head->sum = file_sum(head, text + sizeof *head);
    *size = sizeof *head + bytes;
    return text;
}

static int
write_all(int fd, const char *from, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, from, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        from += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Write it under a name of this process's, then rename it. */
static void
replace_file(const char *path, mode_t mode, const char *text, size_t size)
{
    char *temporary = PyMem_RawMalloc(strlen(path) + 24);
    if (temporary == NULL)
        return;
    sprintf(temporary, "%s.%ld", path, (long)cache.pid);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0) {
        int status = write_all(fd, text, size);
        if (close(fd) < 0 || status < 0 || rename(temporary, path) < 0)
            unlink(temporary);
    }
    PyMem_RawFree(temporary);
}

static void
write_image(const VmImage *image)
{
    uint8_t pyc[16];
    mode_t mode;
    size_t size;
    if (image->made == 0 || look_at_pyc(image, pyc, &mode) < 0)
        return;
    char *text = compose(image, pyc, memcmp(pyc, image->pyc, sizeof pyc) == 0, &size);
    if (text != NULL)
        replace_file(image->path, mode, text, size);
    PyMem_RawFree(text);
}

/* At the very end, when there are no Python objects any more.  What a fork left is its parent's. */
static void
write_images(void)
{
    if (getpid() != cache.pid)
        return;
    for (VmImage *image = cache.first; image != NULL; image = image->next)
        write_image(image);
}
