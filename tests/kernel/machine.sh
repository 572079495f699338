# The machine of tests/kernel: its kernel, its initramfs, QEMU. Sourced by tests/kernel/run at the top of the checkout.
# Measured: the cloud kernel over virtiofs is up on the host's files in 5 s, the generic one over 9p in 8 s; with
# Westmere's instructions all takes a quarter less than with those of `-cpu max`, of which QEMU emulates AVX2 slowly.

KERNELS=build-kernel                    # each version unpacked below; nothing is installed for the host to boot
EARLY="virtio_pci virtiofs overlay virtio_console"
# The kernel without what it does for safety alone: under emulation a program starts in 10 ms instead of 44.
FAST="mitigations=off init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off norandmaps nokaslr lsm=
apparmor=0 audit=0 rcupdate.rcu_expedited=1 transparent_hugepage=never cryptomgr.notests=1 nowatchdog
tsc=reliable clocksource=tsc"
MACHINE_SECONDS=${MACHINE_SECONDS:-1800} # then it is ended, whatever it does
VIRTIOFSD=

# Says why there can be no such machine here, if there can't.
no_machine() {
    local architecture
    architecture=$(dpkg --print-architecture)
    if [ "$architecture" != amd64 ]; then
        printf 'the kernel it boots is amd64, this machine is %s' "$architecture"
    elif ! command -v qemu-system-x86_64 >/dev/null; then
        apt-get -q update >/dev/null 2>&1
        [ -n "$(apt-cache madison qemu-system-x86 2>/dev/null)" ] || printf 'apt has no qemu-system-x86'
    fi
}

# Unpacks the newest stock kernel of this Debian into $KERNEL, unless a former run has.
fetch_kernel() {
    local package log
    KERNEL=$(compgen -G "$PWD/$KERNELS/linux-image-*" | sort -V | tail -n 1)
    [ ! -e "$KERNEL/complete" ] || return 0
    log=$(mktemp)
    mkdir -p "$KERNELS"
    if ! (
        apt-get -q update &&
            package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9]\)/\1/p') &&
            cd "$KERNELS" && rm -rf "$package" && apt-get -q download "$package" &&
            dpkg-deb -x "${package}"_*.deb "$package" && rm "${package}"_*.deb &&
            depmod -b "$PWD/$package" "${package#linux-image-}" && touch "$package/complete"
    ) >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        say "no kernel (the whole log is $log)"
        return 1
    fi
    rm -f "$log"
    KERNEL=$(compgen -G "$PWD/$KERNELS/linux-image-*" | sort -V | tail -n 1)
}

# make_initramfs FILE BUILD ARGUMENT...: busybox, the modules on the way to the host's files, and how to go on there.
make_initramfs() {
    local file=$1 build=$2 tree version=${KERNEL##*/linux-image-} number=100 module path
    shift 2
    tree=$(mktemp -d)
    mkdir "$tree"/{bin,proc,sys,dev,modules,lower,upper,root}
    cp /usr/bin/busybox "$tree/bin/"
    ln -s busybox "$tree/bin/sh"
    cp tests/kernel/init "$tree/init"
    chmod 755 "$tree/init"
    for module in $EARLY; do
        modprobe -d "$KERNEL" -S "$version" --show-depends "$module"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r path; do
        cp "$path" "$tree/modules/$number-${path##*/}"
        number=$((number + 1))
    done
    printf '%q ' exec switch_root /root /bin/bash "$PWD/tests/kernel/guest" "$KERNEL" "$build" \
        $((MACHINE_SECONDS - 60)) "$@" >"$tree/start"
    (cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null) >"$file"
    rm -rf "$tree"
}

# As many as here, of which the tests take what there is; two at least, for what only shows among several.
cpus() {
    local here
    here=$(nproc)
    printf '%s' $((here < 2 ? 2 : here > 4 ? 4 : here))
}

# run_machine DIRECTORY: boots the initramfs there, waits for the end; console.log, virtiofsd.log, report.xml appear.
run_machine() {
    local directory=$1 memory=2G
    (
        ulimit -n 1000000 || ulimit -n "$(ulimit -Hn)" # a file that the guest knows is an open one
        exec /usr/lib/qemu/virtiofsd -f --socket-path="$directory/files" --rlimit-nofile=0 -o source=/ \
            -o cache=always -o sandbox=chroot
    ) >"$directory/virtiofsd.log" 2>&1 &
    VIRTIOFSD=$!
    until [ -S "$directory/files" ] || ! kill -0 $VIRTIOFSD 2>/dev/null; do sleep 0.05; done
    timeout --foreground -k 5 "$MACHINE_SECONDS" qemu-system-x86_64 -M pc \
        -accel tcg,thread=multi,tb-size=512 -cpu Westmere,+rdrand -smp "$(cpus)" \
        -m $memory -object memory-backend-memfd,id=memory,size=$memory,share=on -numa node,memdev=memory \
        -nodefaults -no-user-config -display none -no-reboot \
        -kernel "$KERNEL/boot/vmlinuz-${KERNEL##*/linux-image-}" -initrd "$directory/initramfs" \
        -append "console=ttyS0 quiet panic=-1 ${FAST//$'\n'/ }" -serial "file:$directory/console.log" \
        -chardev socket,id=files,path="$directory/files" -device vhost-user-fs-pci,chardev=files,tag=host \
        -device virtio-serial-pci -chardev stdio,id=words,signal=off -device virtconsole,chardev=words \
        -chardev "file,id=report,path=$directory/report.xml" -device virtserialport,chardev=report,name=report
}

# Ends what run_machine left behind when it was itself interrupted.
stop_machine() {
    [ -z "$VIRTIOFSD" ] || kill "$VIRTIOFSD" 2>/dev/null
}
