# SPDX-License-Identifier: GPL-2.0-only
# nm -n -S of a linked kernel -> assembly of its table of functions (kernel/kallsyms.c).
BEGIN {
    print "    .section .rodata, \"a\"\n    .balign 8\n    .globl kallsyms_table\nkallsyms_table:"
}
NF == 4 && $3 ~ /^[tT]$/ {
    printf "    .quad 0x%s, 0x%s, name_%d\n", $1, $2, count
    names = names sprintf("name_%d:\n    .asciz \"%s%s\"\n", count, $3, $4)
    count++
}
END {
    print "    .type kallsyms_table, @object\n    .size kallsyms_table, . - kallsyms_table"
    printf "    .globl kallsyms_num_syms\nkallsyms_num_syms:\n    .quad %d\n", count
    print "    .type kallsyms_num_syms, @object\n    .size kallsyms_num_syms, 8"
    printf "%s", names
    print "    .section .note.GNU-stack, \"\", @progbits"
}
