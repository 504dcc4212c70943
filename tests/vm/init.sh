#!/bin/busybox sh
# The guest's first program, in its initramfs: finds the host's files, lays memory over them that takes
# what is written, and goes on there.
# shellcheck shell=dash disable=SC2013,SC2093 # words are wanted; exec may fail
die() {
	echo "vm: $*"
	poweroff -f
}

P9=trans=virtio,version=9p2000.L,msize=512000

/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /host /memory /new
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in virtio_pci 9pnet_virtio 9p overlay; do
	modprobe $module || die "module $module cannot be loaded"
done
for word in $(cat /proc/cmdline); do
	case $word in vm.out=*) out=${word#vm.out=} ;; esac
done
mount -t 9p -o ro,cache=loose,$P9 host /host || die "the host's files cannot be reached"
mount -t tmpfs -o size=60% tmpfs /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /new ||
	die "nothing can be laid over the host's files"
# shellcheck disable=SC2154 # the kernel's command line has it
mount -t 9p -o cache=none,$P9 out "/new$out" || die "$out cannot be reached"
for d in proc sys dev; do
	mount -o move /$d /new/$d
done
exec switch_root /new /bin/bash "$out/guest.sh"
die "there is no way on"
