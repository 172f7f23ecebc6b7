echo # at reset\n
print $pc == 0x1000000
echo # a breakpoint before the kernel has mapped itself\n
break start_kernel
continue
delete
echo # source level\n
break vfs_read
continue
backtrace
delete
list
info registers eflags efer
x/2i $pc
echo # memory\n
print tick_hz
set var tick_hz = 500
x/dw &tick_hz
set var tick_hz = 1000
print file->f_op->read
echo # steps\n
stepi
next
step
info symbol $pc
finish
print $mxcsr
print/x $xmm0.uint128
info threads
monitor hello
monitor exit
detach
