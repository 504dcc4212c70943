#!/bin/bash
# Fetches Debian's stock kernel and unpacks it, without installing anything:
#
#	tests/vm/kernel.sh FOLDER
#
# FOLDER gets release (the version's name), vmlinuz, modules/, initramfs/ (what the guest starts from,
# without its first program) and busybox. What is there is kept. On failure one line says why.
set -euo pipefail
folder=$1
mkdir -p "$folder"
folder=$(realpath "$folder")

# What the guest needs before it can reach this machine's files.
FIRST_MODULES="drivers/virtio fs/9p fs/fscache fs/netfs fs/overlayfs net/9p"
# Half of the modules' megabytes are drivers of devices that qemu has not.
LEFT_OUT="sound net/wireless net/mac80211 net/bluetooth drivers/gpu drivers/media drivers/infiniband
	drivers/staging drivers/usb drivers/hid drivers/iio drivers/isdn drivers/nfc drivers/mtd drivers/input
	drivers/hwmon drivers/thunderbolt drivers/mmc drivers/video drivers/net/wireless drivers/net/ethernet"

die() {
	echo "$*" >&2
	exit 1
}

kernel_package() {
	apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1
}

unpack() { # PACKAGE FOLDER
	(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$1" && dpkg -x "$1"_*.deb "$2" && rm "$1"_*.deb) \
		>"$work/log" 2>&1 || die "package $1 cannot be had: $(tail -n 1 "$work/log")"
}

# The modules as Debian has them, and few of them again for the initramfs; each with its own modules.dep.
arrange_modules() {
	local all=$work/kernel/lib/modules/$release first=$work/initramfs/lib/modules/$release d
	for d in $LEFT_OUT; do rm -rf "$all/kernel/$d"; done
	mkdir -p "$work/initramfs/bin"
	cp "$busybox" "$work/initramfs/bin/"
	for d in $FIRST_MODULES; do
		[ -d "$all/kernel/$d" ] || continue
		mkdir -p "$first/kernel/$(dirname "$d")"
		cp -r "$all/kernel/$d" "$first/kernel/$d"
	done
	"$busybox" depmod -b "$work/initramfs" "$release"
	"$busybox" depmod -b "$work/kernel" "$release"
}

exec 9>"$folder/lock"
flock 9
[ -s "$folder/release" ] && exit 0
work=$(mktemp -d "$folder/new.XXXXXX")
trap 'rm -rf "$work"' EXIT
package=$(kernel_package)
[ -n "$package" ] || die "apt knows no linux-image-amd64"
unpack busybox-static busybox
busybox=$work/busybox/bin/busybox
unpack "$package" kernel
release=$(ls "$work/kernel/lib/modules")
arrange_modules
rm -rf "$folder"/{modules,initramfs,vmlinuz,busybox}
mv "$work/kernel/lib/modules" "$work/initramfs" "$busybox" "$folder/"
mv "$work/kernel/boot/vmlinuz-$release" "$folder/vmlinuz"
echo "$release" >"$folder/release"
