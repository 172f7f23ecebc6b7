// SPDX-License-Identifier: GPL-2.0-only
#include "drivers/tty.h"

#include "drivers/serial.h"
#include "fs/fs.h"
#include "fs/poll.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/task.h"
#include "lib/string.h"

// The only terminal there is, on the first UART: lines are edited and echoed, and ^C and its like
// become signals, before a program reads them.

struct termios {
    u32 c_iflag, c_oflag, c_cflag, c_lflag;
    u8 c_line, c_cc[19];
};

struct winsize {
    u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

enum {
    VINTR,
    VQUIT,
    VERASE,
    VKILL,
    VEOF,
    VTIME,
    VMIN,
    VSTART = 8,
    VSTOP,
    VSUSP,
    VEOL,
    VWERASE = 14
};
#define ICRNL 0000400u
#define INLCR 0000100u
#define IGNCR 0000200u
#define OPOST 0000001u
#define ONLCR 0000004u
#define ISIG 0000001u
#define ICANON 0000002u
#define ECHO 0000010u
#define ECHOE 0000020u
#define ECHOK 0000040u
#define ECHONL 0000100u
#define NOFLSH 0000200u
#define TOSTOP 0000400u
#define ECHOCTL 0001000u

#define N_TTY_BUF_SIZE 4096u

struct tty_struct {
    spinlock_t lock;
    struct wait_queue_head read_wait;
    struct termios termios;
    struct winsize winsize;
    pid_t pgrp, session;
    // A ring: [read_tail, canon_head) are finished lines, [canon_head, read_head) is being edited.
    unsigned int read_tail, canon_head, read_head;
    u8 read_buf[N_TTY_BUF_SIZE];
    u8 is_eof[N_TTY_BUF_SIZE];
};

static struct tty_struct console_tty = {
    .read_wait = {.head = LIST_HEAD_INIT(console_tty.read_wait.head)},
    .termios = {.c_iflag = ICRNL,
                .c_oflag = OPOST | ONLCR,
                .c_cflag = 0x1cb2,  // 115200 8N1, CREAD, CLOCAL
                .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | 0100000u,
                .c_cc = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22}},
    .winsize = {24, 80, 0, 0},
};

static void out(const struct tty_struct* tty, u8 c) {
    if (c == '\n' && (tty->termios.c_oflag & OPOST) && (tty->termios.c_oflag & ONLCR)) {
        serial_putchar('\r');
    }
    serial_putchar((char)c);
}

static void echo(const struct tty_struct* tty, u8 c) {
    u32 lflag = tty->termios.c_lflag;
    if (!(lflag & ECHO) && !(c == '\n' && (lflag & ECHONL))) {
        return;
    }
    if (c < 32 && c != '\n' && c != '\t' && (lflag & ECHOCTL)) {
        out(tty, '^');
        c = (u8)(c + 64);
    }
    out(tty, c);
}

static u8* slot(struct tty_struct* tty, unsigned int at) {
    return &tty->read_buf[at % N_TTY_BUF_SIZE];
}

static void erase_one(struct tty_struct* tty) {
    if (tty->read_head == tty->canon_head) {
        return;
    }
    u8 c = *slot(tty, --tty->read_head);
    if ((tty->termios.c_lflag & (ECHO | ECHOE)) == (ECHO | ECHOE)) {
        for (int i = 0; i < 1 + (c < 32 && c != '\t'); i++) {
            out(tty, '\b');
            out(tty, ' ');
            out(tty, '\b');
        }
    }
}

static int signal_of(const struct tty_struct* tty, u8 c) {
    const u8* cc = tty->termios.c_cc;
    if (!(tty->termios.c_lflag & ISIG) || c == 0) {
        return 0;
    }
    return c == cc[VINTR] ? SIGINT : c == cc[VQUIT] ? SIGQUIT : c == cc[VSUSP] ? SIGTSTP : 0;
}

static void store(struct tty_struct* tty, u8 c, bool eof) {
    if (tty->read_head - tty->read_tail < N_TTY_BUF_SIZE) {
        tty->is_eof[tty->read_head % N_TTY_BUF_SIZE] = eof;
        *slot(tty, tty->read_head++) = c;
    }
}

static void receive_canonical(struct tty_struct* tty, u8 c) {
    const u8* cc = tty->termios.c_cc;
    if (c == cc[VERASE] || c == '\b') {
        erase_one(tty);
    } else if (c == cc[VKILL]) {
        while (tty->read_head != tty->canon_head) {
            erase_one(tty);
        }
    } else if (c == cc[VWERASE]) {
        while (tty->read_head != tty->canon_head && *slot(tty, tty->read_head - 1) == ' ') {
            erase_one(tty);
        }
        while (tty->read_head != tty->canon_head && *slot(tty, tty->read_head - 1) != ' ') {
            erase_one(tty);
        }
    } else if (c == cc[VEOF]) {
        store(tty, c, true);
        tty->canon_head = tty->read_head;
    } else if (tty->read_head - tty->read_tail < N_TTY_BUF_SIZE - 2 || c == '\n') {
        echo(tty, c);
        store(tty, c, false);
        if (c == '\n' || (cc[VEOL] != 0 && c == cc[VEOL])) {
            tty->canon_head = tty->read_head;
        }
    }
}

void tty_receive(u8 c) {
    struct tty_struct* tty = &console_tty;
    int sig = signal_of(tty, c);
    raw_spin_lock(&tty->lock);
    if (sig != 0) {
        echo(tty, c);
        if (!(tty->termios.c_lflag & NOFLSH)) {
            tty->read_tail = tty->canon_head = tty->read_head;
        }
    } else if (c == '\r' && (tty->termios.c_iflag & IGNCR)) {
        raw_spin_unlock(&tty->lock);
        return;
    } else {
        c = c == '\r' && (tty->termios.c_iflag & ICRNL)   ? '\n'
            : c == '\n' && (tty->termios.c_iflag & INLCR) ? '\r'
                                                          : c;
        if (tty->termios.c_lflag & ICANON) {
            receive_canonical(tty, c);
        } else {
            echo(tty, c);
            store(tty, c, false);
            tty->canon_head = tty->read_head;
        }
    }
    raw_spin_unlock(&tty->lock);
    if (sig != 0) {
        kill_pgrp(tty->pgrp, sig);
    }
    poll_wake(&tty->read_wait);
}

static bool is_ours(const struct tty_struct* tty) { return current->signal->tty == tty; }

// A job in the background is stopped before it takes what somebody types to the one in front.
static int tty_check_change(struct tty_struct* tty, int sig) {
    if (!is_ours(tty) || tty->pgrp == 0 || current->signal->pgrp == tty->pgrp) {
        return 0;
    }
    if ((current->blocked & sigmask(sig)) ||
        current->sighand->action[sig - 1].sa_handler == SIG_IGN) {
        return sig == SIGTTIN ? -EIO : 0;
    }
    kill_pgrp(current->signal->pgrp, sig);
    return -ERESTARTSYS;
}

static ssize_t take_line(struct tty_struct* tty, u8* to, size_t count) {
    size_t done = 0;
    unsigned long flags = spin_lock_irqsave(&tty->lock);
    bool canonical = tty->termios.c_lflag & ICANON;
    while (done < count && tty->read_tail != tty->canon_head) {
        bool eof = tty->is_eof[tty->read_tail % N_TTY_BUF_SIZE];
        u8 c = *slot(tty, tty->read_tail++);
        // Typed ahead of a program that reads bytes, ^D is a byte like others.
        if (eof && canonical) {
            break;
        }
        to[done++] = c;
        if (canonical && c == '\n') {
            break;
        }
    }
    spin_unlock_irqrestore(&tty->lock, flags);
    return (ssize_t)done;
}

static bool input_available(const struct tty_struct* tty) {
    return READ_ONCE(tty->read_tail) != READ_ONCE(tty->canon_head) ||
           (!(tty->termios.c_lflag & ICANON) && tty->termios.c_cc[VMIN] == 0);
}

static ssize_t tty_read(struct file* file, char __user* buf, size_t count, loff_t* pos) {
    (void)pos;
    struct tty_struct* tty = &console_tty;
    int error = tty_check_change(tty, SIGTTIN);
    if (error != 0) {
        return error;
    }
    if (!input_available(tty)) {
        if (file->f_flags & O_NONBLOCK) {
            return -EAGAIN;
        }
        if (wait_event_interruptible(tty->read_wait, input_available(tty)) != 0) {
            return -ERESTARTSYS;
        }
    }
    u8 line[256];
    ssize_t got = take_line(tty, line, min(count, sizeof(line)));
    return copy_to_user(buf, line, (size_t)got) != 0 ? -EFAULT : got;
}

static ssize_t tty_write(struct file* file, const char __user* buf, size_t count, loff_t* pos) {
    (void)file;
    (void)pos;
    struct tty_struct* tty = &console_tty;
    int error = tty->termios.c_lflag & TOSTOP ? tty_check_change(tty, SIGTTOU) : 0;
    if (error != 0) {
        return error;
    }
    for (size_t done = 0; done < count;) {
        char part[256];
        size_t n = min(count - done, sizeof(part));
        if (copy_from_user(part, buf + done, n) != 0) {
            return done > 0 ? (ssize_t)done : -EFAULT;
        }
        for (size_t i = 0; i < n; i++) {
            out(tty, (u8)part[i]);
        }
        done += n;
    }
    return (ssize_t)count;
}

static unsigned int tty_poll(struct file* file, struct poll_table* wait) {
    (void)file;
    (void)wait;
    return POLLOUT | (input_available(&console_tty) ? POLLIN : 0);
}

#define TCGETS 0x5401
#define TCSETS 0x5402
#define TCSETSF 0x5404
#define TCSBRK 0x5409
#define TCFLSH 0x540b
#define TIOCSCTTY 0x540e
#define TIOCGPGRP 0x540f
#define TIOCSPGRP 0x5410
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define FIONREAD 0x541b
#define TIOCNOTTY 0x5422
#define TIOCGSID 0x5429

static long set_termios(struct tty_struct* tty, unsigned int cmd, const void __user* arg) {
    struct termios wanted;
    int error = tty_check_change(tty, SIGTTOU);
    if (error != 0) {
        return error;
    }
    if (copy_from_user(&wanted, arg, sizeof(wanted)) != 0) {
        return -EFAULT;
    }
    unsigned long flags = spin_lock_irqsave(&tty->lock);
    tty->termios = wanted;
    if (cmd == TCSETSF) {
        tty->read_tail = tty->read_head;
    }
    // Without lines, all that is there can be read.
    tty->canon_head = tty->read_head;
    spin_unlock_irqrestore(&tty->lock, flags);
    return 0;
}

static bool session_lives(pid_t session) {
    spin_lock_irq(&tasklist_lock);
    bool lives = session != 0 && find_task_by_pid(session) != NULL;
    spin_unlock_irq(&tasklist_lock);
    return lives;
}

static long set_controlling_tty(struct tty_struct* tty, bool steal) {
    struct signal_struct* signal = current->signal;
    if (signal->session == current->tgid && tty->session == signal->session) {
        return 0;
    }
    if (signal->session != current->tgid || signal->tty != NULL ||
        (session_lives(tty->session) && !steal)) {
        return -EPERM;
    }
    signal->tty = tty;
    tty->session = signal->session;
    tty->pgrp = signal->pgrp;
    return 0;
}

static long set_foreground(struct tty_struct* tty, const int __user* arg) {
    int pgrp, error = tty_check_change(tty, SIGTTOU);
    if (error != 0) {
        return error;
    }
    if (get_user(pgrp, arg) != 0) {
        return -EFAULT;
    }
    if (!is_ours(tty)) {
        return -ENOTTY;
    }
    if (pgrp <= 0 || kill_pgrp(pgrp, 0) != 0) {
        return pgrp <= 0 ? -EINVAL : -ESRCH;
    }
    tty->pgrp = pgrp;
    return 0;
}

static long tty_ioctl(struct file* file, unsigned int cmd, unsigned long arg) {
    (void)file;
    struct tty_struct* tty = &console_tty;
    void __user* user = (void __user*)arg;
    switch (cmd) {
        case TCGETS:
            return copy_to_user(user, &tty->termios, sizeof(tty->termios)) != 0 ? -EFAULT : 0;
        case TCSETS:
        case TCSETS + 1:
        case TCSETSF: return set_termios(tty, cmd, user);
        case TCSBRK:
        case TCSBRK + 1:
        case TCFLSH: return 0;
        case TIOCSCTTY: return set_controlling_tty(tty, arg == 1);
        case TIOCNOTTY: current->signal->tty = NULL; return 0;
        case TIOCGPGRP: return is_ours(tty) ? put_user(tty->pgrp, (int __user*)user) : -ENOTTY;
        case TIOCSPGRP: return set_foreground(tty, user);
        case TIOCGSID: return is_ours(tty) ? put_user(tty->session, (int __user*)user) : -ENOTTY;
        case TIOCGWINSZ: return put_user(tty->winsize, (struct winsize __user*)user);
        case TIOCSWINSZ: return get_user(tty->winsize, (struct winsize __user*)user);
        case FIONREAD: return put_user(tty->canon_head - tty->read_tail, (int __user*)user);
        default: return -ENOTTY;
    }
}

static int tty_open(struct inode* inode, struct file* file) {
    struct signal_struct* signal = current->signal;
    if (inode->i_rdev == MKDEV(5, 0) && signal->tty == NULL) {
        return -ENXIO;  // /dev/tty is the controlling terminal, and there is none
    }
    if (inode->i_rdev == MKDEV(4, 64) && !(file->f_flags & O_NOCTTY) && current->mm != NULL &&
        signal->session == current->tgid && signal->tty == NULL) {
        set_controlling_tty(&console_tty, false);
    }
    return 0;
}

const struct file_operations tty_fops = {
    .read = tty_read,
    .write = tty_write,
    .poll = tty_poll,
    .unlocked_ioctl = tty_ioctl,
    .open = tty_open,
};
