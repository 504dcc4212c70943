#!/bin/bash
# The guest's second program, among the host's files: makes it a usual machine, runs the command, ends.
# What the host says is in variables.sh beside it; what the command prints goes to the second serial line.
here=$(dirname "$0")
# shellcheck source=/dev/null
. "$here/variables.sh"
export PATH HOME=/root LANG=C.UTF-8 TERM=dumb
busybox=$VM_KERNEL/busybox

mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo +cpu +memory +pids >/sys/fs/cgroup/cgroup.subtree_control # as systemd does
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t securityfs securityfs /sys/kernel/security
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
# Temporary files in plain memory, not in an overlay.
mkdir -p /run/tmp
chmod 1777 /run/tmp
export TMPDIR=/run/tmp

release=$(uname -r)
mkdir -p "/lib/modules/$release"
mount --bind "$VM_KERNEL/modules/$release" "/lib/modules/$release"
for command in modprobe rmmod lsmod; do
	command -v $command >/dev/null || ln -s "$busybox" /sbin/$command
done
modprobe loop
"$busybox" ip link set lo up
"$busybox" hostname vm
stty -F /dev/ttyS1 raw 2>/dev/null

cd "$VM_FOLDER" || cd /
# A process group of its own, with what it leaves behind.
setsid timeout -k 5 "$VM_SECONDS" bash "$here/command.sh" </dev/null >/dev/ttyS1 2>&1
echo $? >"$here/status"
cat /proc/uptime >"$here/uptime"
"$busybox" poweroff -f
