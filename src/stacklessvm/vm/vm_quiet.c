/* C functions that look at no frame, run no Python code and make nothing the collector tracks,
 * when their arguments are plain: the caller's frame need not be shown to them.  What they raise
 * gets its traceback from the unwinding.
 */
#include "vm/vm_quiet.h"

#define ALL_PLAIN 255

typedef struct {
    PyTypeObject *type;
    uint8_t plain;              /* so many arguments after self must be plain */
    const char *names[40];
} Methods;

static const Methods methods[] = {
    {&PyList_Type, 0, {"append", "reverse"}},
    {&PyList_Type, 1, {"insert", "pop"}},
    {&PyLong_Type, ALL_PLAIN, {"bit_length", "bit_count"}},
    {&PyFloat_Type, ALL_PLAIN, {"is_integer"}},
    {&PyUnicode_Type, ALL_PLAIN, {"capitalize", "casefold", "center", "count", "endswith", "expandtabs", "find", "index", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "ljust", "lower", "lstrip", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rstrip", "startswith", "strip", "swapcase", "title", "upper", "zfill"}},
};

#define N_SLOTS 256

typedef struct {
    const PyMethodDef *def;
    uint8_t plain;
} Slot;

static Slot slots[N_SLOTS];

static size_t
first_slot(const PyMethodDef *def)
{
    return (uintptr_t)def / sizeof(void *) * 0x9E3779B1u >> 7 & (N_SLOTS - 1);
}

static void
add(const PyMethodDef *def, uint8_t plain)
{
    size_t i = first_slot(def);
    while (slots[i].def != NULL && slots[i].def != def)
        i = (i + 1) % N_SLOTS;
    slots[i] = (Slot){def, plain};
}

int
vm_quiet_init(void)
{
    for (size_t t = 0; t < sizeof methods / sizeof *methods; t++) {
        for (const char *const *name = methods[t].names; *name != NULL; name++) {
            PyObject *m = PyObject_GetAttrString((PyObject *)methods[t].type, *name);
            if (m == NULL)
                return -1;
            if (Py_IS_TYPE(m, &PyMethodDescr_Type))
                add(((PyMethodDescrObject *)m)->d_method, methods[t].plain);
            Py_DECREF(m);
        }
    }
    return 0;
}

int
vm_quiet_arguments(const PyMethodDef *def)
{
    size_t i = first_slot(def);
    while (slots[i].def != def) {
        if (slots[i].def == NULL)
            return -1;
        i = (i + 1) % N_SLOTS;
    }
    return slots[i].plain;
}
