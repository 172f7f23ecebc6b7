// SPDX-License-Identifier: GPL-2.0-only
#pragma once

#include "lib/types.h"

// A circular doubly linked list whose links live inside the elements.
struct list_head {
    struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) {&(name), &(name)}

static inline void INIT_LIST_HEAD(struct list_head* list) {
    list->next = list;
    list->prev = list;
}

static inline void list_insert_between(struct list_head* entry, struct list_head* prev,
                                       struct list_head* next) {
    entry->prev = prev;
    entry->next = next;
    prev->next = entry;
    next->prev = entry;
}

static inline void list_add(struct list_head* entry, struct list_head* head) {
    list_insert_between(entry, head, head->next);
}

static inline void list_add_tail(struct list_head* entry, struct list_head* head) {
    list_insert_between(entry, head->prev, head);
}

static inline void list_del_init(struct list_head* entry) {
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    INIT_LIST_HEAD(entry);
}

static inline bool list_empty(const struct list_head* head) { return head->next == head; }

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)

#define list_for_each_entry(pos, head, member)                                             \
    for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head); \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))

#define list_for_each_entry_safe(pos, n, head, member)              \
    for (pos = list_entry((head)->next, __typeof__(*pos), member),  \
        n = list_entry(pos->member.next, __typeof__(*pos), member); \
         &pos->member != (head); pos = n, n = list_entry(n->member.next, __typeof__(*n), member))
