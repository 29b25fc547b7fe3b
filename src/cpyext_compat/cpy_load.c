/* The file is looked at before the loader gets it: the loader's own errors either name
 * a symptom ("invalid ELF header") or come too late, as a crash.
 */
#include "cpyext_compat/cpy_load.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    PyObject *path;             /* owned, str */
    PyObject *name;             /* owned, str: the module's full name */
    PyObject *fs_path;          /* owned, bytes */
    void *handle;               /* of dlopen(); the interpreter gets its own */
} Load;

static int                                              /* -1 */
refuse(const Load *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PyObject *what = PyUnicode_FromFormatV(format, args);       /* owned */
    va_end(args);
    /* owned */
    PyObject *message =
        what != NULL ? PyUnicode_FromFormat("%U: %U", l->path, what) : NULL;
    if (message != NULL)
        PyErr_SetImportError(message, l->name, l->path);
    Py_XDECREF(message);
    Py_XDECREF(what);
    return -1;
}

/* --- the file's header ------------------------------------------------------------ */

#if defined(__x86_64__)
#  define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#  define OWN_MACHINE EM_AARCH64
#elif defined(__i386__)
#  define OWN_MACHINE EM_386
#elif defined(__arm__)
#  define OWN_MACHINE EM_ARM
#elif defined(__riscv)
#  define OWN_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#  define OWN_MACHINE EM_PPC64
#elif defined(__s390x__)
#  define OWN_MACHINE EM_S390
#else
#  define OWN_MACHINE EM_NONE           /* no comparison */
#endif

static const struct {
    int machine;
    const char *name;
} machines[] = {
    {EM_386, "i386"},
    {EM_X86_64, "x86_64"},
    {EM_ARM, "arm"},
    {EM_AARCH64, "aarch64"},
    {EM_PPC64, "ppc64"},
    {EM_S390, "s390x"},
    {EM_RISCV, "riscv"},
};

static const char *
machine_name(int machine)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (machines[i].machine == machine)
            return machines[i].name;
    }
    return "another machine";
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#  define OWN_DATA ELFDATA2MSB
#else
#  define OWN_DATA ELFDATA2LSB
#endif

/* The fields used lie at the same place in 32- and 64-bit headers. */
static int
check_header(const Load *l, const unsigned char *h, size_t n)
{
    if (n < sizeof(Elf32_Ehdr) || memcmp(h, ELFMAG, SELFMAG) != 0)
        return refuse(l, "not an ELF file");
    int bits = h[EI_CLASS] == ELFCLASS64 ? 64 : 32, own_bits = 8 * (int)sizeof(void *);
    int little = h[EI_DATA] == ELFDATA2LSB;
    int type = h[16 + !little] | h[17 - !little] << 8,
        machine = h[18 + !little] | h[19 - !little] << 8;
    if (bits != own_bits || h[EI_DATA] != OWN_DATA
        || (OWN_MACHINE != EM_NONE && machine != OWN_MACHINE))
        return refuse(l, "built for %s, %d bit, %s-endian; this is %s, %d bit",
                      machine_name(machine), bits, little ? "little" : "big",
                      machine_name(OWN_MACHINE), own_bits);
    if (type != ET_DYN)
        return refuse(l, "an ELF %s, not a shared object",
                      type == ET_REL    ? "object file (not linked)"
                      : type == ET_EXEC ? "executable"
                                        : "core file");
    return 0;
}

/* The loader maps what the program headers say and dies of a file that is shorter. */
static int
check_length(const Load *l, FILE *f, const unsigned char *header)
{
    ElfW(Ehdr) h;
    ElfW(Phdr) segment;
    memcpy(&h, header, sizeof h);
    unsigned long long end = h.e_phoff + (unsigned long long)h.e_phnum * h.e_phentsize;
    int whole = h.e_phentsize == sizeof segment;
    for (int i = 0; whole && i < h.e_phnum; i++) {
        whole = fseek(f, (long)(h.e_phoff + (size_t)i * sizeof segment), SEEK_SET) == 0
                && fread(&segment, sizeof segment, 1, f) == 1;
        if (whole && segment.p_type == PT_LOAD
            && segment.p_offset + segment.p_filesz > end)
            end = segment.p_offset + segment.p_filesz;
    }
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : 0;
    if (!whole || size < 0 || (unsigned long long)size < end)
        return refuse(l, "cut off after %ld bytes", size);
    return 0;
}

static int
check_file(const Load *l)
{
    unsigned char header[sizeof(ElfW(Ehdr))];
    FILE *f = fopen(PyBytes_AS_STRING(l->fs_path), "rb");
    size_t n = f != NULL ? fread(header, 1, sizeof header, f) : 0;
    int err = -1;
    if (f == NULL || ferror(f))
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, l->path);
    else if (check_header(l, header, n) == 0)
        err = n == sizeof header ? check_length(l, f, header)
                                 : refuse(l, "cut off after %zu bytes", n);
    if (f != NULL)
        fclose(f);
    return err;
}

/* --- the file's name -------------------------------------------------------------- */

static const char *
base_name(const Load *l)
{
    const char *path = PyBytes_AS_STRING(l->fs_path), *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* "cpython-312-..." as a person says it */
static PyObject *                                       /* -> new str */
described_tag(const char *tag, size_t n)
{
    unsigned major, minor;
    char rest = 0;
    if (sscanf(tag, "cpython-%1u%u%c", &major, &minor, &rest) < 2)
        return PyUnicode_FromStringAndSize(tag, (Py_ssize_t)n);
    return PyUnicode_FromFormat("CPython %u.%u%s", major, minor,
                                rest == 't'   ? " free-threaded"
                                : rest == 'd' ? " debug"
                                              : "");
}

static int                                      /* 1, 0, or -1 with an exception */
is_own_suffix(const char *suffix)
{
    PyObject *imp = PyImport_ImportModule("_imp");      /* owned */
    /* owned */
    PyObject *own =
        imp != NULL ? PyObject_CallMethod(imp, "extension_suffixes", NULL) : NULL;
    PyObject *this = own != NULL ? PyUnicode_DecodeFSDefault(suffix) : NULL; /* owned */
    int found = this != NULL ? PySequence_Contains(own, this) : -1;
    Py_XDECREF(this);
    Py_XDECREF(own);
    Py_XDECREF(imp);
    return found;
}

/* A suffix like .cpython-312-x86_64-linux-gnu.so must be one of this interpreter's. */
static int
check_tag(const Load *l)
{
    static const char *const families[] = {"cpython-", "abi", "pypy", "graalpy"};
    const char *suffix = strchr(base_name(l), '.');
    int known = 0;
    for (size_t i = 0; suffix != NULL && i < sizeof families / sizeof *families; i++)
        known |= strncmp(suffix + 1, families[i], strlen(families[i])) == 0;
    if (!known)
        return 0;
    int own = is_own_suffix(suffix);
    if (own != 0)
        return own > 0 ? 0 : -1;
    const char *end = strrchr(suffix, '.');
    PyObject *tag = described_tag(suffix + 1, (size_t)(end - suffix - 1)); /* owned */
    if (tag != NULL)
        refuse(l, "built for %U, by its file name; this is CPython %d.%d", tag,
               PY_MAJOR_VERSION, PY_MINOR_VERSION);
    Py_XDECREF(tag);
    return -1;
}

/* --- what is in it ---------------------------------------------------------------- */

/* PEP 489: PyInit_ and the last part of the name; PyInitU_ and punycode if it isn't
   ASCII. */
static PyObject *                                       /* -> new bytes */
init_symbol(const Load *l)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(l->name),
               dot = PyUnicode_FindChar(l->name, '.', 0, n, -1);
    PyObject *last = PyUnicode_Substring(l->name, dot + 1, n);  /* owned */
    PyObject *encoded = NULL, *symbol = NULL;                   /* owned */
    if (last == NULL)
        return NULL;
    int ascii = PyUnicode_IS_ASCII(last);
    encoded = PyUnicode_AsEncodedString(last, ascii ? "ascii" : "punycode", NULL);
    if (encoded != NULL)
        symbol = PyBytes_FromFormat("%s_%s", ascii ? "PyInit" : "PyInitU",
                                    PyBytes_AS_STRING(encoded));
    if (symbol != NULL && !ascii) {
        for (char *c = PyBytes_AS_STRING(symbol); *c; c++)
            *c = *c == '-' ? '_' : *c;
    }
    Py_DECREF(last);
    Py_XDECREF(encoded);
    return symbol;
}

static int
explain_dlerror(const Load *l, const char *error)
{
    static const char missing[] = "undefined symbol: ";
    const char *symbol = strstr(error, missing);
    if (symbol == NULL)
        return refuse(l, "%s", error);
    symbol += strlen(missing);
    int n = (int)strcspn(symbol, " ,\n");
    char name[200];
    snprintf(name, sizeof name, "%.*s", n, symbol);
    return refuse(l,
                  "needs the symbol %s, which neither this CPython %d.%d nor a library "
                  "it links to has",
                  name, PY_MAJOR_VERSION, PY_MINOR_VERSION);
}

/* All symbols are resolved, and the function that makes the module is there. */
static int
check_symbols(Load *l)
{
    PyObject *symbol = init_symbol(l);                  /* owned */
    int err = -1;
    if (symbol == NULL)
        return -1;
    l->handle = dlopen(PyBytes_AS_STRING(l->fs_path), RTLD_NOW | RTLD_LOCAL);
    if (l->handle == NULL)
        explain_dlerror(l, dlerror());
    else if (dlsym(l->handle, PyBytes_AS_STRING(symbol)) == NULL)
        refuse(l, "has no %s; is the module's name another one than %R?",
               PyBytes_AS_STRING(symbol), l->name);
    else
        err = 0;
    Py_DECREF(symbol);
    return err;
}

/* --- the module ------------------------------------------------------------------- */

/* The module of that name, if it came from this file: 1 and *module -> new; 0; -1 */
static int
already_loaded(const Load *l, PyObject **module)
{
    /* borrowed */
    PyObject *loaded = PyDict_GetItemWithError(PyImport_GetModuleDict(), l->name);
    *module = NULL;
    if (loaded == NULL)
        return PyErr_Occurred() ? -1 : 0;
    Py_INCREF(loaded);
    PyObject *file = PyObject_GetAttrString(loaded, "__file__"); /* owned */
    if (file == NULL)
        PyErr_Clear();
    int same = file != NULL ? PyObject_RichCompareBool(file, l->path, Py_EQ) : 0;
    if (same > 0)
        *module = Py_NewRef(loaded);
    else if (same == 0)
        refuse(l, "a module %R is already imported from %R", l->name,
               file != NULL ? file : Py_None);
    Py_XDECREF(file);
    Py_DECREF(loaded);
    return same > 0 ? 1 : -1;
}

/* importlib's own recipe, by the loader for extension modules whatever the file is
   called. */
static PyObject *                               /* -> new module, not initialised */
create_module(const Load *l, PyObject **loader)
{
    PyObject *util = PyImport_ImportModule("importlib.util"); /* owned */
    PyObject *machinery = PyImport_ImportModule("importlib.machinery"); /* owned */
    PyObject *spec = NULL, *module = NULL;              /* owned */
    if (util == NULL || machinery == NULL)
        goto done;
    *loader =
        PyObject_CallMethod(machinery, "ExtensionFileLoader", "OO", l->name, l->path);
    if (*loader == NULL)
        goto done;
    spec = PyObject_CallMethod(util, "spec_from_loader", "OO", l->name, *loader);
    if (spec != NULL && PyObject_SetAttrString(spec, "origin", l->path) == 0
        && PyObject_SetAttrString(spec, "has_location", Py_True) == 0)
        module = PyObject_CallMethod(util, "module_from_spec", "O", spec);
done:
    Py_XDECREF(spec);
    Py_XDECREF(util);
    Py_XDECREF(machinery);
    return module;
}

static PyObject *                                       /* -> new */
import_module(const Load *l)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed from the interpreter */
    PyObject *loader = NULL, *done = NULL, *result = NULL;      /* owned */
    PyObject *module = create_module(l, &loader);       /* owned */

    if (module == NULL || PyDict_SetItem(modules, l->name, module) < 0)
        goto done;
    done = PyObject_CallMethod(loader, "exec_module", "O", module);
    if (done == NULL) {
        PyObject *type, *exc, *tb;
        PyErr_Fetch(&type, &exc, &tb);
        if (PyDict_DelItem(modules, l->name) < 0)
            PyErr_Clear();
        PyErr_Restore(type, exc, tb);
        goto done;
    }
    /* it may have put something else there */
    result = Py_XNewRef(PyDict_GetItemWithError(modules, l->name));
    if (result == NULL && !PyErr_Occurred())
        refuse(l, "its initialisation took it out of sys.modules");
done:
    Py_XDECREF(done);
    Py_XDECREF(module);
    Py_XDECREF(loader);
    return result;
}

static int
set_names(Load *l, PyObject *path, PyObject *name)
{
    if (!PyUnicode_FSDecoder(path, &l->path)
        || !PyUnicode_FSConverter(l->path, &l->fs_path))
        return -1;
    if (name != NULL) {
        if (!PyUnicode_Check(name) || PyUnicode_GET_LENGTH(name) == 0) {
            PyErr_Format(PyExc_TypeError,
                         "the module's name must be a str that isn't empty, not %.100R",
                         name);
            return -1;
        }
        l->name = Py_NewRef(name);
        return 0;
    }
    const char *base = base_name(l);
    size_t n = strcspn(base, ".");
    l->name = PyUnicode_DecodeFSDefaultAndSize(base, (Py_ssize_t)n);
    return l->name != NULL ? 0 : -1;
}

PyObject *
cpy_load_extension(PyObject *path, PyObject *name)
{
    Load l = {0};
    PyObject *module = NULL;

    if (set_names(&l, path, name) < 0)
        goto done;
    if (check_file(&l) < 0 || check_tag(&l) < 0 || already_loaded(&l, &module) != 0)
        goto done;
    if (check_symbols(&l) == 0)
        module = import_module(&l);
done:
    if (l.handle != NULL)
        dlclose(l.handle);
    Py_XDECREF(l.path);
    Py_XDECREF(l.name);
    Py_XDECREF(l.fs_path);
    return module;
}
