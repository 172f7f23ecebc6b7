// SPDX-License-Identifier: GPL-2.0-only
#include "fs/binfmt_elf.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "kernel/trace/events.h"
#include "lib/string.h"
#include "mm/mm_types.h"
#include "mm/slab.h"

#define MAX_ARG_BYTES (2UL << 20)  // a quarter of a stack, pointers included
#define FIRST_ARG_BYTES 4000UL
#define BINPRM_BUF_SIZE 256
#define MAX_INTERPRETERS 4
#define SIGKILL_SELF 1000  // past the point of no return

static int grow_strings(struct linux_binprm* bprm) {
    size_t size = bprm->size == 0 ? FIRST_ARG_BYTES : bprm->size * 2;
    char* strings = size > MAX_ARG_BYTES ? NULL : kmalloc(size, GFP_KERNEL);
    if (strings == NULL) {
        return size > MAX_ARG_BYTES ? -E2BIG : -ENOMEM;
    }
    memcpy(strings, bprm->strings, bprm->used);
    kfree(bprm->strings);
    bprm->strings = strings;
    bprm->size = size;
    return 0;
}

static int add_string(struct linux_binprm* bprm, const char __user* s) {
    for (;;) {
        long room = (long)(bprm->size - bprm->used);
        long length = room == 0 ? 0 : strncpy_from_user(bprm->strings + bprm->used, s, room);
        if (length < 0) {
            return -EFAULT;
        }
        if (length < room) {
            bprm->used += (size_t)length + 1;
            return 0;
        }
        int error = grow_strings(bprm);
        if (error != 0) {
            return error;
        }
    }
}

static int add_strings(struct linux_binprm* bprm, const char __user* const __user* vector,
                       int* count) {
    for (; vector != NULL; vector++) {
        const char __user* s;
        if (get_user(s, vector) != 0) {
            return -EFAULT;
        }
        if (s == NULL) {
            break;
        }
        int error = add_string(bprm, s);
        if (error != 0) {
            return error;
        }
        // Each string also takes a pointer.
        if ((size_t)++*count * 8 > MAX_ARG_BYTES / 4) {
            return -E2BIG;
        }
    }
    return 0;
}

// Puts strings of the kernel in front of all others.
static int prepend(struct linux_binprm* bprm, const char* s) {
    size_t bytes = strlen(s) + 1;
    while (bytes > bprm->size - bprm->used) {
        int error = grow_strings(bprm);
        if (error != 0) {
            return error;
        }
    }
    memmove(bprm->strings + bytes, bprm->strings, bprm->used);
    memcpy(bprm->strings, s, bytes);
    bprm->used += bytes;
    bprm->argc++;
    return 0;
}

static void remove_arg_zero(struct linux_binprm* bprm) {
    if (bprm->argc > 0) {
        size_t bytes = strlen(bprm->strings) + 1;
        memmove(bprm->strings, bprm->strings + bytes, bprm->used - bytes);
        bprm->used -= bytes;
        bprm->argc--;
    }
}

static struct file* open_exec(const char* name) {
    struct file* file = filp_open(name, O_RDONLY, 0);
    if (!IS_ERR(file) && (!S_ISREG(file->f_inode->i_mode) || !(file->f_inode->i_mode & 0111))) {
        fput(file);
        return ERR_PTR(-EACCES);
    }
    int error = IS_ERR(file) ? 0 : deny_write_access(file);
    if (error != 0) {
        fput(file);
        return ERR_PTR(error);
    }
    return file;
}

// "#!program argument": the program runs instead, with the script's name as its argument.
static int load_script(struct linux_binprm* bprm, char* line, long length) {
    line[length] = '\0';
    char* end = strchr(line, '\n');
    if (end == NULL) {
        return -ENOEXEC;
    }
    while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n')) {
        end--;
    }
    *end = '\0';
    char* program = line + 2;
    while (*program == ' ' || *program == '\t') {
        program++;
    }
    char* argument = program;
    while (*argument != '\0' && *argument != ' ' && *argument != '\t') {
        argument++;
    }
    while (*argument == ' ' || *argument == '\t') {
        *argument++ = '\0';
    }
    if (*program == '\0') {
        return -ENOEXEC;
    }
    remove_arg_zero(bprm);
    int error = prepend(bprm, bprm->filename);
    if (error == 0 && *argument != '\0') {
        error = prepend(bprm, argument);
    }
    if (error == 0) {
        error = prepend(bprm, program);
    }
    struct file* file = error == 0 ? open_exec(program) : ERR_PTR(error);
    if (IS_ERR(file)) {
        return (int)PTR_ERR(file);
    }
    fput(bprm->file);
    bprm->file = file;
    return 0;
}

static int find_program(struct linux_binprm* bprm) {
    for (int depth = 0; depth < MAX_INTERPRETERS; depth++) {
        char buf[BINPRM_BUF_SIZE + 1];
        ssize_t got = kernel_read(bprm->file, buf, BINPRM_BUF_SIZE, 0);
        if (got < 2 || buf[0] != '#' || buf[1] != '!') {
            return elf_check(bprm);
        }
        int error = load_script(bprm, buf, got);
        if (error != 0) {
            return error;
        }
    }
    return -ELOOP;
}

// All other threads go; the one that called execve becomes the process. -EAGAIN: another thread was
// faster, and we have to go.
static int de_thread(void) {
    struct signal_struct* signal = current->signal;
    spin_lock_irq(&tasklist_lock);
    if (signal->flags & SIGNAL_GROUP_EXIT) {
        spin_unlock_irq(&tasklist_lock);
        return -EAGAIN;
    }
    if (signal->nr_threads > 1) {
        zap_other_threads(SIGKILL);
        while (signal->nr_threads > 1) {
            spin_unlock_irq(&tasklist_lock);
            msleep(1);
            spin_lock_irq(&tasklist_lock);
        }
        signal->flags &= ~SIGNAL_GROUP_EXIT;
    }
    recalc_sigpending();
    spin_unlock_irq(&tasklist_lock);
    return 0;
}

static const char* basename_of(const char* path) {
    const char* name = path;
    for (; *path != '\0'; path++) {
        if (*path == '/') {
            name = path + 1;
        }
    }
    return name;
}

// The point of no return.
static int begin_new_exec(struct linux_binprm* bprm) {
    struct mm_struct* mm = mm_alloc();
    if (mm == NULL || unshare_files() != 0) {
        mmput(mm);
        return -ENOMEM;
    }
    int error = de_thread();
    if (error != 0) {
        mmput(mm);
        return error;
    }
    get_file(bprm->file);
    mm->exe_file = bprm->file;
    exec_mmap(mm);
    mm_release(current);
    current->flags &= ~(unsigned int)(PF_KTHREAD | PF_FORKNOEXEC);
    current->clear_child_tid = current->set_child_tid = NULL;
    current->sas_ss_sp = current->sas_ss_size = 0;
    flush_signal_handlers(current->sighand);
    do_close_on_exec();
    strscpy(current->comm, basename_of(bprm->filename), sizeof(current->comm));
    return 0;
}

static int exec_binprm(struct linux_binprm* bprm) {
    int error = find_program(bprm);
    if (error == 0) {
        error = begin_new_exec(bprm);
    }
    if (error != 0) {
        return error;
    }
    unsigned long sp = load_elf_binary(bprm) == 0 ? create_elf_tables(bprm) : 0;
    if (sp == 0) {
        return -SIGKILL_SELF;
    }
    trace_sched_process_exec(current, current->pid, bprm);
    start_thread(task_pt_regs(current), bprm->entry, sp);
    return 0;
}

static int do_execve(const char* filename, const char __user* const __user* argv,
                     const char __user* const __user* envp) {
    struct linux_binprm bprm = {.filename = filename};
    bprm.file = open_exec(filename);
    if (IS_ERR(bprm.file)) {
        return (int)PTR_ERR(bprm.file);
    }
    int error = add_strings(&bprm, argv, &bprm.argc);
    if (error == 0) {
        error = add_strings(&bprm, envp, &bprm.envc);
    }
    if (error == 0) {
        error = exec_binprm(&bprm);
    }
    kfree(bprm.strings);
    fput(bprm.file);
    return error;
}

int kernel_execve(const char* filename, const char* const* argv, const char* const* envp) {
    return do_execve(filename, argv, envp);
}

SYSCALL_DEFINE3(execve, const char __user*, filename, const char __user* const __user*, argv,
                const char __user* const __user*, envp) {
    struct filename* name = getname(filename);
    if (IS_ERR(name)) {
        return PTR_ERR(name);
    }
    int error = do_execve(name->name, argv, envp);
    putname(name);
    if (error == -SIGKILL_SELF) {
        do_group_exit(SIGKILL);  // the old program is gone, and the new one could not be made
    }
    return error;
}
