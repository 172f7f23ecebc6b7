// SPDX-License-Identifier: GPL-2.0-only
#include "arch/bootparam.h"
#include "arch/desc.h"
#include "arch/irq.h"
#include "arch/percpu.h"
#include "arch/processor.h"
#include "arch/reboot.h"
#include "arch/smp.h"
#include "arch/syscall.h"
#include "drivers/serial.h"
#include "drivers/tty.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "init/initramfs.h"
#include "init/params.h"
#include "init/workload.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/task.h"
#include "kernel/time.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/paging.h"
#include "mm/slab.h"
#include "mm/stack.h"

static int run_init_process(void) {
    static const char* const argv[] = {"/init", NULL};
    static const char* const envp[] = {"HOME=/", "TERM=linux", NULL};
    devtmpfs_init();
    tty_init();
    struct open_how how = {.flags = O_RDWR};
    for (int fd = 0; fd < 3; fd++) {
        do_sys_openat2(AT_FDCWD, "/dev/console", &how);
    }
    printk("Run /init as init process\n");
    int error = kernel_execve(argv[0], argv, envp);
    if (error != 0) {
        panic("kernel_init: /init: error %d", error);
    }
    return 0;
}

/// Task 1.
static int kernel_init(void* unused) {
    (void)unused;
    if (params.ending != NULL) {
        run_ending(params.ending);
    }
    populate_rootfs();
    struct file* init = filp_open("/init", O_RDONLY, 0);
    if (!IS_ERR(init)) {
        fput(init);
        return run_init_process();
    }
    printk("Run workload: tasks=%u loops=%u\n", params.tasks, params.loops);
    int bad = run_workload(params.tasks, params.loops);
    printk("workload: %s (%lu ticks)\n", bad == 0 ? "pass" : "FAIL", jiffies);
    debug_exit(bad == 0 ? params.exit_status : 1);
}

/// From arch/head.S, on init_task's stack, with the boot's page tables and interrupts off.
void start_kernel(phys_addr_t real_mode_data) __noreturn;
void start_kernel(phys_addr_t real_mode_data) {
    setup_boot_cpu_area();
    cpu_init();
    idt_setup_traps();
    serial8250_init();
    copy_bootdata(real_mode_data);

    parse_early_param(boot_command_line);
    printk("Trapgate minikernel (gcc " __VERSION__ ")\n");
    printk("Command line: %s\n", boot_command_line);
    e820_print_table();
    static char words[COMMAND_LINE_SIZE];
    strscpy(words, boot_command_line, sizeof(words));
    parse_args(words);

    find_smp_config();
    paging_init();
    mem_init();
    kmem_cache_init();
    thread_stack_init();
    fork_init();
    sched_init();
    syscall_init();
    vfs_caches_init();

    init_IRQ();
    time_init();
    local_irq_enable();
    printk("Timer: i8254, HZ=%u\n", tick_hz);
    smp_init();
    if (kernel_thread(kernel_init, NULL, "init", 0) < 0) {
        panic("start_kernel: no memory for init");
    }
    cpu_startup_entry();
}
