/* The translation cache: lowered code kept from one start to the next.
 *
 * A record is the lowered form of one code object as it lies in memory: what points into it
 * needs no change.  Its key is a hash of all that lowering looks at, so a record can't be taken
 * for other code than it was made of, and code that was compiled anew is translated anew.
 *
 *      VmRecord | VmInsn[] | VmSite[] | VmHandler[] | words | stops | maps | small ints | 0s to 8
 *
 * An image is the records of one module: those of the file beside its .pyc, and those made since,
 * which the process writes there when it ends.  Images live as long as the process; reloaded
 * modules find theirs again.
 *
 * A file is believed when its sum is right, as a .pyc is whose magic number is: whoever can write
 * there what is wrong on purpose can write it into the .pyc.  With PYRS_CACHE=check, and in builds
 * that look for mistakes, it is checked of a record before it first runs that nothing is out of range
 * (vm_check.h).  Protected by the GIL.
 */
#ifndef VM_CACHE_H
#define VM_CACHE_H

#include "ir/vm_code.h"

typedef struct VmRecord {
    uint64_t key;
    uint32_t bytes;             /* all of it, a multiple of 8 */
    uint32_t n_insns, n_maps, n_handlers, n_caches;
    uint16_t n_small;
    uint8_t wide;               /* words and stops are of 32 bits */
    uint8_t leaf;               /* see vm_code_is_leaf() */
} VmRecord;

typedef struct {
    VmInsn *insns;
    VmSite *sites;
    VmHandler *handlers;
    char *words, *stops;        /* as in VmCode */
    uint16_t *maps;
    uint8_t *small;
    size_t bytes;               /* of a record with these counts */
} VmRecordParts;

/* Where they are, by the record's counts. */
VmRecordParts vm_record_parts(VmRecord *r);
/* The code's arrays are the record's from now on. */
void vm_code_use(VmCode *code, VmRecord *r);

typedef struct {
    VmRecord *record;           /* NULL: the slot is free */
    uint8_t used;               /* made in this process, or taken by it */
} VmImageSlot;

typedef struct VmImage {
    struct VmImage *next;
    char *path;                 /* of the file, or what it would be */
    char *file;                 /* its contents, or NULL */
    VmImageSlot *slots;         /* open addressing by key */
    uint32_t n_slots, n_records;
    size_t made;                /* bytes of records that were made here */
    uint8_t pyc[16];            /* header of the .pyc the file was written beside */
} VmImage;

/* The code lowered now, or the same from the cache.  globals: of a function with this code, or NULL.
   0, or -1 with MemoryError; may set refused */
int vm_cache_lower(VmCode *code, PyObject *globals);

/* Once, when the VM starts; without it, or when it fails, there are no images. */
void vm_image_start(void);
/* Are records looked at before they are used? */
int vm_image_doubts(void);
/* The image for a code object; NULL where there is none.  Raises nothing. */
VmImage *vm_image_of(PyCodeObject *co, PyObject *globals);
/* The slot with this key, or the free one where it belongs; NULL in an image without any. */
VmImageSlot *vm_image_slot(VmImage *image, uint64_t key);
/* Make a record, from vm_arena_take(), the image's: 0, or -1 without exception when there is no
   room.  It replaces one with the same key. */
int vm_image_add(VmImage *image, VmRecord *r);

#define VM_UNROLL_4 _Pragma("GCC unroll 4")     /* the loop behind it */

/* A hash in which every single changed byte shows. */
uint64_t vm_sum(uint64_t seed, const void *data, size_t n);

#endif
