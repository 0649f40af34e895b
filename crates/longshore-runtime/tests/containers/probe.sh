# Tells, line by line, what a process sees and may do in its container.
grep -E '^(Uid|Gid|Groups|Cap[A-Z][a-z]*|NoNewPrivs|Seccomp|Umask):' /proc/self/status
echo "user $(id -u) $(id -g) $(id -G)"
echo "folder $(pwd)"
env | grep -vE '^(SHLVL|OLDPWD|_)=' | sort | sed 's/^/environment /'
echo "host $(hostname)"
echo "first $(tr '\0' ' ' < /proc/1/cmdline | cut -c -12)"
echo "oom $(cat /proc/self/oom_score_adj)"
sed 1d /proc/self/limits | sed 's/^/limit /; s/  */ /g'
# Where, how, and of which kind; the root differs, and so does where things come from.
while read -r _ _ _ _ at options rest; do
    [ "$at" = / ] && continue
    kind=${rest#* - }
    kind=${kind#- }
    # The three files lie on whatever the engine or the supervisor keeps them on.
    case $at in /etc/*) options=${options%%,*} kind=file ;; esac
    echo "mount $at $options ${kind%% *}"
done < /proc/self/mountinfo | sort
ls -ln /dev | sed '1d; s/  */ /g' | cut -d ' ' -f 1,3-6,9- | sed 's/^/device /'
for path in /proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug \
    /proc/scsi /proc/timer_list /proc/timer_stats /sys/firmware; do
    echo "hidden $path $(ls -A "$path" 2> /dev/null | grep -v "^$path\$" | head -n 1) $(head -c 1 "$path" 2> /dev/null | od -An -c)"
done
try() {
    name=$1
    shift
    "$@" > /dev/null 2>&1 && echo "may $name" || echo "may not $name"
}
writes() { try "write $1" sh -c "echo '$2' > $1"; }
writes /proc/sys/kernel/hostname other
writes /proc/sysrq-trigger h
writes /proc/irq/default_smp_affinity 3
writes /sys/kernel/mm/ksm/run 0
writes /sys/fs/cgroup/x x
writes /sys/fs/cgroup/memory/memory.limit_in_bytes -1
writes /sys/fs/cgroup/devices/devices.allow 'a *:* rwm'
writes /dev/shm/x x
writes /etc/hosts x
writes /file x
try "mount a file system" mount -t tmpfs tmpfs /root
try "make a user namespace" unshare -U true
try "make a network namespace" unshare -n true
try "change the root" chroot / true
try "change the clock" adjtimex -t 10000
try "rename the machine" hostname other
try "own what is another's" chown 1:1 /root
try "open a raw socket" ping -c 1 -w 1 127.0.0.1
try "load a module" insmod /file
try "turn off the machine" reboot -f -n
try "see kernel messages" dmesg
try "change priorities" renice -n -5 -p $$
for device in 'c 1 3' 'c 1 5' 'c 1 7' 'c 1 8' 'c 1 9' 'c 1 11' 'c 5 0' 'c 5 1' 'c 5 2' 'c 10 200' 'c 10 229' 'c 4 64' \
    'b 7 0' 'b 8 0' 'b 254 0'; do
    rm -f /root/node
    try "make $device" mknod /root/node $device
    echo "opening $device: $( (: < /root/node) 2>&1 | sed 's/.*: //')"
done
for file in memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes memory/memory.swappiness \
    cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpu/cpu.shares pids/pids.max devices/devices.list \
    cpuset/cpuset.cpus; do
    sort "/sys/fs/cgroup/$file" | sed "s|^|bound $file |"
done
echo "shm $(df -k /dev/shm | awk 'END { print $2 }')"
