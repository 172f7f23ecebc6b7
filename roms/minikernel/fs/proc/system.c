// SPDX-License-Identifier: GPL-2.0-only
#include "arch/processor.h"
#include "arch/smp.h"
#include "fs/proc/proc.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "lib/string.h"
#include "lib/vsprintf.h"
#include "mm/page.h"

// What each file about the whole machine says, in Linux's formats.

#define USER_HZ_NS 10000000ULL

void show_cpuinfo(struct seq_file* m, struct task_struct* p) {
    (void)p;
    const struct cpuid_regs vendor = cpuid(0), version = cpuid(1);
    char name[13] = "";
    memcpy(name, &vendor.ebx, 4);
    memcpy(name + 4, &vendor.edx, 4);
    memcpy(name + 8, &vendor.ecx, 4);
    for_each_online_cpu(cpu) {
        seq_printf(m,
                   "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n"
                   "stepping\t: %u\n\n",
                   cpu, name, version.eax >> 8 & 15, version.eax >> 4 & 15, version.eax & 15);
    }
}

void show_meminfo(struct seq_file* m, struct task_struct* p) {
    (void)p;
    unsigned long free = nr_free_pages() * 4;
    seq_printf(m,
               "MemTotal:       %8lu kB\nMemFree:        %8lu kB\nMemAvailable:   %8lu kB\n"
               "Buffers:               0 kB\nCached:                0 kB\n"
               "SwapTotal:             0 kB\nSwapFree:              0 kB\n",
               max_pfn * 4, free, free);
}

static struct kernel_cpustat all_cpus(void) {
    struct kernel_cpustat sum = {0, 0, 0};
    for_each_online_cpu(cpu) {
        const struct kernel_cpustat* one = &per_cpu_ptr(runqueues, cpu)->cpustat;
        sum.user += one->user;
        sum.system += one->system;
        sum.idle += one->idle;
    }
    return sum;
}

void show_uptime(struct seq_file* m, struct task_struct* p) {
    (void)p;
    u64 cs = ktime_get_ns() / USER_HZ_NS, idle = all_cpus().idle / USER_HZ_NS;
    seq_printf(m, "%llu.%02llu %llu.%02llu\n", cs / 100, cs % 100, idle / 100, idle % 100);
}

static void show_cpustat(struct seq_file* m, const char* name, const struct kernel_cpustat* s) {
    seq_printf(m, "%s %llu 0 %llu %llu 0 0 0 0 0 0\n", name, s->user / USER_HZ_NS,
               s->system / USER_HZ_NS, s->idle / USER_HZ_NS);
}

void show_system_stat(struct seq_file* m, struct task_struct* p) {
    (void)p;
    const struct kernel_cpustat all = all_cpus();
    show_cpustat(m, "cpu ", &all);
    for_each_online_cpu(cpu) {
        char name[8];
        snprintf(name, sizeof(name), "cpu%u", cpu);
        show_cpustat(m, name, &per_cpu_ptr(runqueues, cpu)->cpustat);
    }
    seq_printf(m, "ctxt %llu\nbtime 1767225600\n", nr_context_switches());
}

void show_loadavg(struct seq_file* m, struct task_struct* p) {
    (void)p;
    const struct task_struct* t;
    unsigned int running = 0, all = 0;
    pid_t last = 0;
    spin_lock_irq(&tasklist_lock);
    list_for_each_entry(t, &init_task.tasks, tasks) {
        all++;
        running += t->__state == TASK_RUNNING && t->exit_state == 0;
        last = max(last, t->pid);
    }
    spin_unlock_irq(&tasklist_lock);
    // Nobody averages here.
    seq_printf(m, "0.00 0.00 0.00 %u/%u %d\n", running, all, last);
}

void show_version(struct seq_file* m, struct task_struct* p) {
    (void)p;
    seq_printf(m, "Linux version 6.1.0-minikernel (Trapgate) (gcc " __VERSION__ ")\n");
}
