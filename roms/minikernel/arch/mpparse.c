// SPDX-License-Identifier: GPL-2.0-only
#include "arch/apic.h"
#include "arch/smp.h"
#include "kernel/printk.h"
#include "lib/string.h"
#include "mm/page.h"

// The CPUs, from the table that the firmware leaves below 1 MiB (Intel MultiProcessor
// Specification 1.4).

#define BIOS_AREA 0xf0000UL
#define BIOS_AREA_END 0x100000UL
#define MP_PROCESSOR 0
#define CPU_ENABLED 1
#define CPU_BOOTPROCESSOR 2

struct mpf_intel {
    char signature[4];  // "_MP_"
    u32 physptr;
    u8 length, specification, checksum, features[5];
};

struct mpc_table {
    char signature[4];  // "PCMP"
    u16 length;
    u8 spec, checksum;
    char oem[8], productid[12];
    u32 oemptr;
    u16 oemsize, oemcount;
    u32 lapic;
    u32 reserved;
};

struct mpc_cpu {
    u8 type, apicid, apicver, cpuflag;
    u32 cpufeature, featureflag, reserved[2];
};

phys_addr_t mp_lapic_addr;
u8 cpu_to_apicid[NR_CPUS];
unsigned int nr_possible_cpus = 1;

static bool checksum_is_right(const void* from, size_t bytes) {
    const u8* at = from;
    u8 sum = 0;
    for (size_t i = 0; i < bytes; i++) {
        sum = (u8)(sum + at[i]);
    }
    return sum == 0;
}

static const struct mpc_table* find_table(void) {
    for (phys_addr_t at = BIOS_AREA; at < BIOS_AREA_END; at += 16) {
        const struct mpf_intel* mpf = __va(at);
        if (memcmp(mpf->signature, "_MP_", 4) != 0 || !checksum_is_right(mpf, sizeof(*mpf))) {
            continue;
        }
        const struct mpc_table* table = __va(mpf->physptr);
        if (memcmp(table->signature, "PCMP", 4) == 0 && checksum_is_right(table, table->length)) {
            return table;
        }
    }
    return NULL;
}

static void add_cpu(const struct mpc_cpu* entry) {
    if (!(entry->cpuflag & CPU_ENABLED)) {
        return;
    }
    if (entry->cpuflag & CPU_BOOTPROCESSOR) {
        cpu_to_apicid[0] = entry->apicid;
    } else if (nr_possible_cpus < NR_CPUS) {
        cpu_to_apicid[nr_possible_cpus++] = entry->apicid;
    } else {
        printk("find_smp_config: %d CPUs are enough, APIC id %u stays off\n", NR_CPUS,
               entry->apicid);
    }
}

void find_smp_config(void) {
    const struct mpc_table* table = find_table();
    if (table == NULL) {
        return;
    }
    const u8* end = (const u8*)table + table->length;
    const u8* at = (const u8*)(table + 1);
    // Processors come first; their entries have 20 bytes.
    for (; at < end && *at == MP_PROCESSOR; at += sizeof(struct mpc_cpu)) {
        add_cpu((const struct mpc_cpu*)at);
    }
    if (nr_possible_cpus > 1) {
        mp_lapic_addr = table->lapic;
    }
}
