// SPDX-License-Identifier: GPL-2.0-only
#include "kernel/module.h"

#include "fs/file.h"
#include "fs/fs.h"
#include "fs/proc/proc.h"
#include "kernel/printk.h"
#include "kernel/syscall.h"
#include "kernel/trace/events.h"
#include "lib/string.h"
#include "mm/slab.h"

// The list of modules, and the system calls that change it.

#define MAX_MODULE_FILE (4UL << 20)
#define MODULE_INIT_FLAGS 3  // "ignore versions": there are none

static struct list_head modules = LIST_HEAD_INIT(modules);
static struct mutex module_mutex = {.wait = {.head = LIST_HEAD_INIT(module_mutex.wait.head)}};

extern const struct kernel_symbol __start___ksymtab[], __stop___ksymtab[];

static unsigned long find_symbol(const struct kernel_symbol* syms, unsigned long count,
                                 const char* name) {
    for (unsigned long i = 0; i < count; i++) {
        if (strcmp(syms[i].name, name) == 0) {
            return syms[i].value;
        }
    }
    return 0;
}

// `user` needs `mod`. False: it needs too many.
static bool use_module(struct module* user, struct module* mod) {
    for (unsigned int i = 0; i < user->num_uses; i++) {
        if (user->uses[i] == mod) {
            return true;
        }
    }
    if (user->num_uses == MAX_MODULE_USES) {
        return false;
    }
    user->uses[user->num_uses++] = mod;
    mod->refcnt++;
    return true;
}

unsigned long resolve_symbol(struct module* user, const char* name) {
    unsigned long count = (unsigned long)(__stop___ksymtab - __start___ksymtab);
    unsigned long value = find_symbol(__start___ksymtab, count, name);
    struct module* mod;
    if (value != 0) {
        return value;
    }
    list_for_each_entry(mod, &modules, list) {
        value = find_symbol(mod->syms, mod->num_syms, name);
        if (value != 0 && mod->state == MODULE_STATE_LIVE) {
            return use_module(user, mod) ? value : 0;
        }
    }
    return 0;
}

void free_module(struct module* mod) {
    for (unsigned int i = 0; i < mod->num_uses; i++) {
        mod->uses[i]->refcnt--;
    }
    if (mod->core_layout.base != 0) {
        module_memfree(mod->core_layout.base, mod->core_layout.size);
    }
    kfree(mod->kallsyms);
    kfree(mod);
}

static struct module* find_module(const char* name) {
    struct module* mod;
    list_for_each_entry(mod, &modules, list) {
        if (strcmp(mod->name, name) == 0) {
            return mod;
        }
    }
    return NULL;
}

// With module_mutex held, which is given up while the module starts.
static int do_init_module(struct module* mod) {
    list_add_tail(&mod->list, &modules);
    trace_module_load(mod);
    mutex_unlock(&module_mutex);
    int error = mod->init != NULL ? mod->init() : 0;
    mutex_lock(&module_mutex);
    if (error < 0) {
        list_del_init(&mod->list);
        trace_module_free(mod);
        free_module(mod);
        return error;
    }
    mod->state = MODULE_STATE_LIVE;
    return 0;
}

static int load_and_init(const char* image, size_t len) {
    mutex_lock(&module_mutex);
    struct module* mod = load_module(image, len);
    int error = IS_ERR(mod) ? (int)PTR_ERR(mod) : 0;
    if (error == 0 && find_module(mod->name) != NULL) {
        free_module(mod);
        error = -EEXIST;
    }
    if (error == 0) {
        error = do_init_module(mod);
    }
    mutex_unlock(&module_mutex);
    return error;
}

// Nobody has parameters; but what is given must be a string.
static int check_arguments(const char __user* uargs) {
    char* text = kmalloc(PAGE_SIZE, GFP_KERNEL);
    if (text == NULL) {
        return -ENOMEM;
    }
    long length = strncpy_from_user(text, uargs, PAGE_SIZE);
    kfree(text);
    return length < 0 ? (int)length : length == PAGE_SIZE ? -EINVAL : 0;
}

SYSCALL_DEFINE3(init_module, void __user*, umod, unsigned long, len, const char __user*, uargs) {
    if (len < 64) {
        return -ENOEXEC;  // not even a header
    }
    char* image = len <= MAX_MODULE_FILE ? kmalloc(len, GFP_USER) : NULL;
    if (image == NULL) {
        return -ENOMEM;
    }
    int error = copy_from_user(image, umod, len) != 0 ? -EFAULT : check_arguments(uargs);
    if (error == 0) {
        error = load_and_init(image, len);
    }
    kfree(image);
    return error;
}

static int load_file(struct file* file) {
    loff_t size = file->f_inode->i_size;
    if (!S_ISREG(file->f_inode->i_mode) || size <= 0) {
        return -EINVAL;
    }
    if (!(file->f_mode & FMODE_READ)) {
        return -EBADF;
    }
    char* image = size <= (loff_t)MAX_MODULE_FILE ? kmalloc((size_t)size, GFP_USER) : NULL;
    if (image == NULL) {
        return -ENOMEM;
    }
    ssize_t got = kernel_read(file, image, (size_t)size, 0);
    int error = got < 0 ? (int)got : load_and_init(image, (size_t)got);
    kfree(image);
    return error;
}

SYSCALL_DEFINE3(finit_module, unsigned int, fd, const char __user*, uargs, int, flags) {
    if (flags & ~MODULE_INIT_FLAGS) {
        return -EINVAL;
    }
    struct file* file = fget(fd);
    if (file == NULL) {
        return -EBADF;
    }
    int error = check_arguments(uargs);
    if (error == 0) {
        error = load_file(file);
    }
    fput(file);
    return error;
}

static int try_stop_module(struct module* mod) {
    if (mod == NULL) {
        return -ENOENT;
    }
    if (mod->refcnt != 0) {
        return -EAGAIN;
    }
    // One that starts, or that does not know how to go.
    if (mod->state != MODULE_STATE_LIVE || (mod->init != NULL && mod->exit == NULL)) {
        return -EBUSY;
    }
    mod->state = MODULE_STATE_GOING;
    return 0;
}

SYSCALL_DEFINE2(delete_module, const char __user*, name_user, unsigned int, flags) {
    (void)flags;
    char name[MODULE_NAME_LEN];
    long length = strncpy_from_user(name, name_user, sizeof(name));
    if (length < 0 || length == sizeof(name)) {
        return length < 0 ? length : -ENOENT;
    }
    mutex_lock(&module_mutex);
    struct module* mod = find_module(name);
    int error = try_stop_module(mod);
    if (error == 0) {
        mutex_unlock(&module_mutex);
        if (mod->exit != NULL) {
            mod->exit();
        }
        mutex_lock(&module_mutex);
        list_del_init(&mod->list);
        trace_module_free(mod);
        free_module(mod);
    }
    mutex_unlock(&module_mutex);
    return error;
}

__kprobes const struct module* module_address(unsigned long address) {
    const struct module* mod;
    list_for_each_entry(mod, &modules, list) {
        if (address - mod->core_layout.base < mod->core_layout.size) {
            return mod;
        }
    }
    return NULL;
}

const char* module_address_lookup(unsigned long address, unsigned long* size, unsigned long* offset,
                                  const char** modname) {
    const struct module* mod = module_address(address);
    for (unsigned int i = 0; mod != NULL && i < mod->num_kallsyms; i++) {
        const struct module_ksym* sym = &mod->kallsyms[i];
        if (address - sym->address < sym->size) {
            *size = sym->size;
            *offset = address - sym->address;
            *modname = mod->name;
            return sym->name;
        }
    }
    return NULL;
}

void show_modules(struct seq_file* m, struct task_struct* unused) {
    static const char* const states[] = {"Live", "Loading", "Unloading"};
    struct module* mod;
    (void)unused;
    mutex_lock(&module_mutex);
    list_for_each_entry(mod, &modules, list) {
        seq_printf(m, "%s %lu %d ", mod->name, mod->core_layout.size, mod->refcnt);
        unsigned int users = 0;
        struct module* user;
        list_for_each_entry(user, &modules, list) {
            for (unsigned int i = 0; i < user->num_uses; i++) {
                if (user->uses[i] == mod) {
                    seq_printf(m, "%s,", user->name);
                    users++;
                }
            }
        }
        seq_printf(m, "%s %s 0x%016lx\n", users == 0 ? "-" : "", states[mod->state],
                   mod->core_layout.base);
    }
    mutex_unlock(&module_mutex);
}

void show_module_symbols(struct seq_file* m) {
    struct module* mod;
    mutex_lock(&module_mutex);
    list_for_each_entry(mod, &modules, list) {
        for (unsigned int i = 0; i < mod->num_kallsyms; i++) {
            const struct module_ksym* sym = &mod->kallsyms[i];
            unsigned long offset = sym->address - mod->core_layout.base;
            seq_printf(m, "%016lx %c %s\t[%s]\n", sym->address,
                       offset < mod->core_layout.text_size ? 't'
                       : offset < mod->core_layout.ro_size ? 'r'
                                                           : 'd',
                       sym->name, mod->name);
        }
    }
    mutex_unlock(&module_mutex);
}
