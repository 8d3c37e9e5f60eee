/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

/* Any header of the C library says which one it is. */
#include <unistd.h>

#ifdef __GLIBC__
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/attr.h"
#include "base/thread.h"

/*
 * Threads share heaps.  No more of them can be at work than there are
 * processors, and each heap keeps what the largest of its requests needed.
 */
#define HEAPS_MAX 4
/*
 * An allocation of more bytes has pages of its own, and a heap keeps no more
 * than this free at its end.  Left to itself glibc raises both whenever a
 * larger one is freed.
 */
#define LARGE (128 * 1024)

void
memory_be_small(void)
{
	unsigned n = thread_processors();

	(void)mallopt(M_ARENA_MAX, n < HEAPS_MAX ? (int)n : HEAPS_MAX);
	(void)mallopt(M_MMAP_THRESHOLD, LARGE);
	(void)mallopt(M_TRIM_THRESHOLD, LARGE);
	/*
	 * A small chunk that is freed is merged with its neighbours at once.
	 * Else that happens in malloc_trim() only, which gives back the holes
	 * between chunks in use but not the end of a heap: 35 MiB, when 10,000
	 * connections had been parked.
	 */
	(void)mallopt(M_MXFAST, 0);
}

void
memory_trim(void)
{
	(void)malloc_trim(0);
}

/* Whether the loader wrote to its code, which then is no longer the file's. */
static bool
was_relocated(const struct dl_phdr_info *object, const ElfW(Phdr) * dynamic)
{
	const ElfW(Dyn) *d =
	    (const void *)(uintptr_t)(object->dlpi_addr + dynamic->p_vaddr);

	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_TEXTREL ||
		    (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
			return true;
	return false;
}

/* Where this fails the pages stay, which does no harm. */
static void
drop_pages(uintptr_t from, uintptr_t to)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	from = from / page * page;
	to = (to + page - 1) / page * page;
	(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static int
drop_object(struct dl_phdr_info *object, size_t size, void *arg)
{
	uintptr_t base = object->dlpi_addr;
	size_t i;

	(void)size;
	(void)arg;
	/* The kernel's vDSO is in no file that it could be read from again. */
	if (base == getauxval(AT_SYSINFO_EHDR))
		return 0;
	for (i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC &&
		    was_relocated(object, &object->dlpi_phdr[i]))
			return 0;
	for (i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			drop_pages(
			    base + p->p_vaddr, base + p->p_vaddr + p->p_memsz);
	}
	return 0;
}

void
memory_drop_code(void)
{
	(void)dl_iterate_phdr(drop_object, NULL);
}
#else
void
memory_be_small(void)
{
}

void
memory_trim(void)
{
}

void
memory_drop_code(void)
{
}
#endif
