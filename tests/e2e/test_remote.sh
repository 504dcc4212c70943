#!/bin/bash
# A recording over there, read here while it is made: rec | ssh | ana.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

# An ssh server of our own for one connection, which is its standard input and output: no port, no
# daemon. remote COMMAND runs a command through it.
need_ssh() {
	local sshd
	sshd=$(PATH=$PATH:/usr/sbin command -v sshd) || skip "no sshd here (Debian: openssh-server)"
	command -v ssh >/dev/null || skip "no ssh here (Debian: openssh-client)"
	for key in host_key user_key; do
		ssh-keygen -q -t ed25519 -N '' -f "$key" || fail "ssh-keygen"
	done
	cat >sshd.conf <<-END
		HostKey $PWD/host_key
		AuthorizedKeysFile $PWD/user_key.pub
		PidFile none
		StrictModes no
		PermitRootLogin prohibit-password
	END
	cat >ssh.conf <<-END
		Host *
		ProxyCommand $sshd -i -e -f $PWD/sshd.conf 2>$PWD/sshd.log
		IdentityFile $PWD/user_key
		IdentitiesOnly yes
		BatchMode yes
		StrictHostKeyChecking no
		UserKnownHostsFile /dev/null
		LogLevel ERROR
	END
	if [ "$(id -u)" = 0 ] && [ ! -d /run/sshd ]; then # sshd wants it; otherwise the boot makes it
		mkdir /run/sshd && trap 'rmdir /run/sshd' EXIT
	fi
	remote true || skip "sshd does not work here: $(tail -n 2 sshd.log)"
}

remote() {
	ssh -F ssh.conf localhost "$@"
}

test_a_recording_over_there_is_drawn_here() {
	need_perf
	need_ssh
	remote "'$REC' cpu -q -F 499 -o - -- '$SAMPLES/calltree' 97" 2>err | "$ANA" flame - -o x.svg ||
		fail "$(cat err)"
	grep -q gamma x.svg || fail "calltree and its functions are not in the picture"
}

# The recording has no end of its own: were its events held back until there is one, or until a large
# buffer is full, this would never end either. It ends as its reader goes away.
test_events_come_while_the_recording_goes_on() {
	need_perf
	need_ssh
	sh -c 'while :; do :; done' &
	local busy=$! hz
	for hz in 99 4999; do
		remote "'$REC' cpu -q -F $hz -p $busy -o -" 2>err | "$ANA" dump - -e cpu_sample |
			head -n 97 >lines
		[ "$(wc -l <lines)" = 97 ] || break
	done
	kill "$busy"
	check_equal "$(wc -l <lines)" 97 "events at $hz Hz: $(cat err)"
}

run_tests
