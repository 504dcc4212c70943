#!/bin/bash
# Runs a command as root on another kernel: Debian's stock one, in a machine that qemu emulates.
#
#	tests/vm/boot.sh [-t SECONDS] [-e VARIABLE]... COMMAND [ARGUMENT...]
#
# The guest sees all files of this machine and may change them as it likes: what it writes stays in its
# memory, but for the folder BUILD/vm/out. Variables named by -e are passed on. Status: the command's own, 124
# when it ran longer than SECONDS (300), 125 when the machine itself failed, of which
# BUILD/vm/out/console tells.
set -u
here=$(realpath "$(dirname "$0")")
build=$(realpath "${BUILD:-$here/../../build}")
kernel=$build/vm/kernel
out=$build/vm/out
seconds=300
passed=(PATH)
START=120 # seconds to boot and to end, beside the command's

die() {
	echo "vm: $*" >&2
	exit 125
}

while getopts t:e: option; do
	case $option in
	t) seconds=$OPTARG ;;
	e) passed+=("$OPTARG") ;;
	*) exit 125 ;;
	esac
done
shift $((OPTIND - 1))
command -v qemu-system-x86_64 >/dev/null || die "there is no qemu-system-x86_64 (package qemu-system-x86)"
"$here/kernel.sh" "$kernel" || exit 125

# One guest at a time: they share the folder.
mkdir -p "$out"
exec 9>"$out/lock"
flock 9
rm -f "$out"/{status,console,initramfs}

{
	for v in "${passed[@]}"; do printf '%s=%q\n' "$v" "${!v-}"; done
	printf 'VM_KERNEL=%q VM_FOLDER=%q VM_SECONDS=%q\n' "$kernel" "$PWD" "$seconds"
	printf 'export %s\n' "${passed[*]}"
} >"$out/variables.sh"
printf '%q ' exec "$@" >"$out/command.sh"
cp "$here/guest.sh" "$out/"
cp "$here/init.sh" "$kernel/initramfs/init"
chmod 755 "$kernel/initramfs/init"
(cd "$kernel/initramfs" && find . | bin/busybox cpio -o -H newc -R 0:0 2>/dev/null) >"$out/initramfs"

# Emulation by one thread: with several, qemu 7.2 hangs now and then while the kernel changes its text on all
# CPUs. tsc=reliable, or each reading of the clock takes a microsecond. no_timer_check, as the check fails where
# this machine is busy.
# shellcheck disable=SC2054 # the commas are qemu's
machine=(-nodefaults -no-user-config -display none -no-reboot -machine q35 -cpu max,la57=off
	-accel tcg,thread=single -smp 4 -m 1536 -device virtio-rng-pci
	-kernel "$kernel/vmlinuz" -initrd "$out/initramfs"
	-append "console=ttyS0 panic=-1 oops=panic mitigations=off tsc=reliable nowatchdog no_timer_check vm.out=$out"
	-fsdev "local,id=host,path=/,security_model=none,multidevs=remap,readonly=on"
	-device virtio-9p-pci,fsdev=host,mount_tag=host
	-fsdev "local,id=out,path=$out,security_model=none" -device virtio-9p-pci,fsdev=out,mount_tag=out
	-serial "file:$out/console" -chardev stdio,id=command,signal=off -serial chardev:command)
timeout -k 5 $((seconds + START)) qemu-system-x86_64 "${machine[@]}" </dev/null 2>"$out/qemu.log" 9>&-
[ -s "$out/status" ] && exit "$(cat "$out/status")"
{
	echo "vm: the guest left no status; the end of $out/console:"
	cat "$out/qemu.log"
	tail -n 30 "$out/console" | tr -d '\r'
} >&2
exit 125
