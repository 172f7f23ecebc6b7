break do_exit
continue
delete
print jiffies
watch jiffies
reverse-continue
backtrace 3
reverse-continue
delete
break vfs_read
reverse-continue
backtrace 2
reverse-stepi
reverse-step
delete
reverse-continue
print $pc == 0x1000000
break start_kernel
continue
detach
