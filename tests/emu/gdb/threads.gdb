info threads
break vfs_read
continue
info threads
thread 2
print $pc == 0xfff0 || $pc == 0
thread 1
stepi
stepi
info line *$pc
kill
