watch jiffies
continue
backtrace 3
print jiffies
continue
print jiffies
delete
rwatch jiffies
continue
info symbol $pc
delete
detach
