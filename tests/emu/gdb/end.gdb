break do_exit
continue
delete
continue
info threads
