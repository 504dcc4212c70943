#!/bin/bash
# `rec sched` and `ana sched`: known numbers of switches, and the kernel's and perf's own words for waits.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

need_bpf() {
	"$REC" sched -o probe.rec -- true 2>probe.err || skip "BPF is refused here: $(cat probe.err)"
	rm -f probe.rec
	! grep -q tracepoints probe.err || skip "BPF is refused here: $(cat probe.err)"
}

# threads TRACE FILTER: values of `ana sched`'s table of threads.
threads() {
	"$ANA" sched "$1" --top 1000 -f json | jq -r ".sections.threads.rows[] | $2"
}

lost_events() {
	"$ANA" dump "$1" -e lost -f jsonl | jq -s 'map(.fields.lost) | add // 0'
}

# 10,007 rounds are twice as many hand-overs, and the program says how often it waited for one.
test_every_switch_of_a_ping_pong_is_there() {
	need_bpf
	check_status 0 "$REC" sched -o p.rec -- "$SAMPLES/pingpong" "$(rounds 10007 1009)"
	for who in ping pong; do
		read -r _ voluntary _ involuntary _ < <(grep "^$who" out)
		"$ANA" dump p.rec -e sched_switch -f jsonl >rows
		check_equal "$(jq -r "select(.fields.comm == \"$who\" and .fields.state == \"sleeping\") |
			select((.fields.stack | join(\";\")) | test(\"wait4|do_wait\") | not) | .time" rows | wc -l)" \
			"$voluntary" "voluntary switches of $who"
		check_between $((involuntary)) \
			"$(jq -r "select(.fields.comm == \"$who\" and .fields.state == \"runnable\") | .time" rows | wc -l)" \
			$((involuntary + 7)) "involuntary switches of $who"
	done
	check_equal "$(lost_events p.rec)" 0 "lost"
	"$ANA" sched p.rec >text
	grep -qE '^(ping +pong|pong +ping) +[0-9]' text || fail "who wakes whom: $(grep -A4 '^Who' text)"
}

# The kernel counts the time on its own; small differences are its own reading at another moment.
test_waits_are_those_of_schedstat_within_a_percent() {
	need_bpf
	check_schedstat "$REC"
}

# perf 6.1 looks at the state R+ (preempted in the kernel) beyond the end of its table and leaves the wait out:
# what its events say of these waits belongs to its sum.
left_out_by_perf() { # of s.data and the rivals: how many waits, ns
	perf script --ns -i s.data -F time,event,trace 2>/dev/null | sed 's,: , ,g' |
		awk '$2 != "sched:sched_switch" { next }
			{ for (i = 3; i <= NF; i++) { split($i, f, "="); v[f[1]] = f[2] } }
			v["prev_comm"] == "rival" { rival[v["prev_pid"]] }
			v["next_pid"] in left { n[v["next_pid"]]++; sum[v["next_pid"]] += $1 - left[v["next_pid"]] }
			{ delete left[v["next_pid"]] }
			v["prev_state"] == "R+" { left[v["prev_pid"]] = $1 }
			END { for (p in rival) { waits += n[p]; all += sum[p] } printf "%d %.0f\n", waits, all * 1e9 }'
}

test_waits_are_those_of_perf_sched_within_a_percent() {
	need_bpf
	slow "perf takes a minute, and schedstat is asked there"
	command -v perf >/dev/null || skip "perf is not installed"
	perf sched record -a -o s.data -- "$REC" sched -q -o s.rec -- "$SAMPLES/schedplan" \
		>out 2>err || skip "perf sched record does not work here: $(tail -n 1 err)"
	perf sched latency -i s.data 2>/dev/null | sed 's/[|:]/ /g' >latency
	# NAME TID RUN ms SWITCHES avg MEAN ms: of the three rivals one line.
	read -r n perf < <(awk '/rival/ { for (i = 1; i < NF; i++) if ($i == "avg") print $(i - 1), $(i - 1) * $(i + 1) * 1e6 }' latency)
	[ -n "$perf" ] || skip "perf sched latency prints something else here: $(head -n 5 latency)"
	read -r n_more more < <(left_out_by_perf)
	waits=$(threads s.rec 'select(.comm == "rival") | .waits' | awk '{ n += $1 } END { print n }')
	[ "$n" = "$waits" ] || check_equal $((n + n_more)) "$waits" "waits"
	[ "$n" = "$waits" ] || perf=$(awk "BEGIN { print $perf + $more }")
	ours=$(threads s.rec 'select(.comm == "rival") | .wait' | awk '{ n += $1 } END { print n }')
	check_between "$(awk "BEGIN { print $perf * 0.99 }")" "$ours" \
		"$(awk "BEGIN { print $perf * 1.01 }")" "waiting time of the rivals, ns"
}

# The plan: 23 sleeps and 31 waits for a pipe, each of which is one voluntary switch with its stack.
test_a_plan_of_sleeping_and_blocking_is_found_again() {
	need_bpf
	check_status 0 "$REC" sched -o s.rec -- "$SAMPLES/schedplan"
	"$ANA" dump s.rec -e sched_switch -f jsonl |
		jq -r 'select(.fields.comm == "schedplan" and .fields.state == "sleeping") | .fields.stack | join(";")' >stacks
	check_between $FEWEST_SLEEPS "$(grep -c nanosleep stacks)" 23 "sleeps"
	check_equal "$(grep -c pipe_read stacks)" 31 "waits for the pipe"
}

# Who waits for the pipe is woken by the writer, whom the timer woke meanwhile; sleepers by the timer.
test_off_cpu_time_tells_who_woke_and_the_chain() {
	need_bpf
	check_status 0 "$REC" sched --stacks sched,wakers -o s.rec -- "$SAMPLES/schedplan"
	check_status 0 "$ANA" offcpu s.rec -f folded
	grep -qE '^schedplan;\[sleeping\];.*pipe_read;.*;--;.*write;.*;writer;--;.*\[interrupt\] ' out ||
		fail "no chain behind the pipe: $(grep pipe_read out | head -n 3)"
	check_between $((23 * 3000000)) "$(awk '/^schedplan;\[sleeping\];.*nanosleep/ { n += $NF } END { print n }' out)" \
		$((23 * 50000000)) "time asleep, ns"
	check_equal "$(grep -E '^schedplan;\[sleeping\];.*nanosleep' out | grep -vc '\[interrupt\] ')" 0 "sleepers woken by others than the timer"
	"$ANA" sched s.rec -f json | jq -e '.sections.threads.rows | map(select(.comm == "rival")) | length == 3' >/dev/null ||
		fail "no rivals"
}

# Whoever reads the other's byte is woken by a thread; a sleep ends by a timer.
test_threads_and_interrupts_that_wake_are_told_apart() {
	need_bpf
	check_status 0 "$REC" sched -q -o t.rec -- bash -c "'$SAMPLES/pingpong' 1009; for i in {1..31}; do sleep 0.01; done"
	"$ANA" dump t.rec -e sched_wakeup -f jsonl >woken
	of() { jq -c ".fields | select($1)" woken | wc -l; }
	# Whoever waits is woken by the other; so is, once in a while, who is about to wait but was preempted first,
	# and one who waits for the other's end.
	while read -r who voluntary _ other; do
		check_between "$voluntary" \
			"$(of ".comm == \"$who\" and .waker_comm == \"$other\" and .context == \"task\"")" \
			$((voluntary + $(rounds 7 31))) "wake-ups of $who by $other"
	done < <(awk '/^ping/ { print $1, $2, $3, "pong" } /^pong/ { print $1, $2, $3, "ping" }' out)
	check_equal "$(grep -c '^p[io]ng .* voluntary' out)" 2 "players"
	# Where files come through a device, its interrupts end a player's wait for one as the other runs.
	check_between 0 "$(of '(.comm + .waker_comm | test("^p[io]ngp[io]ng$")) and .context != "task"')" "$(rounds 0 31)" \
		"by interrupts meanwhile"
	check_between 28 "$(of '.comm == "sleep" and .context == "interrupt"')" "$(rounds 40 100000)" "sleeps that a timer ended"
	check_equal "$(of '.is_new == 1 and .context != "task"')" 0 "children that nobody made"
}

check_long_waits() {
	rm -f s.rec
	check_status 0 "$REC" sched --min 2ms -o s.rec -- "$SAMPLES/schedplan"
	check_equal "$(count_events s.rec sched_switch)" 0 "switches"
	"$ANA" dump s.rec -e sched_delay -e off_cpu -f jsonl >/dev/null 2>&1
	short=$("$ANA" dump s.rec -e off_cpu -f jsonl | jq -r 'select(.fields.latency < 2000000) | .time' | wc -l)
	check_equal "$short" 0 "absences shorter than --min"
	"$ANA" dump s.rec -e off_cpu -f jsonl |
		jq -r 'select(.fields.comm == "schedplan" and .fields.state == "sleeping") | .fields.stack | join(";")' >stacks
	check_between $FEWEST_SLEEPS "$(grep -c nanosleep stacks)" 23 "sleeps of 3 ms"
	[ "$(count_events s.rec sched_delay)" -gt 0 ] || fail "rivals of one CPU never waited 2 ms"
	check_status 0 "$ANA" sched s.rec
	check_prints 'only long waits'
}

test_with_min_only_long_waits_are_recorded() {
	need_bpf
	one_of_six check_long_waits
}

test_of_long_waits_some_stand_for_all() {
	need_bpf
	check_sampled_waits "$REC"
}

test_switches_are_not_left_out() {
	check_status 2 "$REC" sched --sample 10 -o n.rec -- true
	check_says 'sample cannot leave out switches of sched: .*With --min TIME it takes one in N'
	check_status 2 "$REC" cpu --sample 10 -o n.rec -- true
	check_says 'sample is about the sources block, syscalls, faults and sched'
	need_bpf
	check_status 0 "$REC" sched,syscalls --sample 10 -o b.rec -- "$SAMPLES/schedplan"
	check_says 'sched: --sample leaves all switches in'
	"$ANA" dump b.rec -e sched_switch -f jsonl |
		jq -r 'select(.fields.comm == "schedplan" and .fields.state == "sleeping") | .fields.stack | join(";")' >stacks
	check_between $FEWEST_SLEEPS "$(grep -c nanosleep stacks)" 23 "sleeps"
}

# Everything that happens is either in the trace or counted as lost.
test_losses_are_counted_to_the_event() {
	need_bpf
	check_status 0 "$REC" sched --buffer 4096 --stacks none -o p.rec -- "$SAMPLES/pingpong" "$(rounds 100003 10007)"
	lost=$("$ANA" dump p.rec -e lost -f jsonl | jq -s 'map(select(.fields.event == "sched_switch").fields.lost) | add // 0')
	all=$("$ANA" dump p.rec -e sched_switch -f jsonl | wc -l)
	rows=$("$ANA" dump p.rec -e sched_switch -f jsonl | grep -cE '"comm":"p[io]ng"')
	[ "$lost" -gt 0 ] || skip "a ring of one page was always read in time"
	said=$(awk '/^p[io]ng/ { n += $2 + $4 } END { print n }' out)
	# The rows of others, as many of the lost as of those that are there, and the program's first and last
	# steps are in the sum as well.
	check_between "$said" $((rows + lost)) $((said * all / rows * 102 / 100 + 2000)) "rows and losses"
}

test_children_and_threads_are_followed() {
	need_bpf
	check_status 0 "$REC" sched -o s.rec -- sh -c "$SAMPLES/schedplan; true"
	check_equal "$(threads s.rec 'select(.comm == "rival") | .tid' | wc -l)" 3 "rivals"
	check_equal "$(threads s.rec 'select(.comm == "writer") | .tid' | wc -l)" 1 "writers"
	check_equal "$(threads s.rec 'select(.comm == "init" or .tid == 1) | .tid' | wc -l)" 0 "strangers"
}

test_a_cgroup_and_nobody_else() {
	need_bpf
	make_cgroup
	mkdir "$mount/$group/below"
	(
		echo $BASHPID >"$mount/$group/below/cgroup.procs"
		exec "$SAMPLES/calltree" 60000 2
	) &
	inside=$!
	"$SAMPLES/calltree" 60000 &
	outside=$!
	check_status 0 "$REC" sched --cgroup "/$group" -d 3 -o c.rec
	kill $inside $outside
	wait
	rmdir "$mount/$group/below" "$mount/$group"
	check_equal "$("$ANA" dump c.rec -e sched_wakeup -e sched_migrate -f jsonl | jq -r .fields.pid | sort -u | grep -v "^$inside$")" "" \
		"others"
	check_equal "$("$ANA" dump c.rec -e sched_switch -f jsonl |
		jq -r ".fields | select(.pid != $inside and .next_pid != $inside) | .time" | wc -l)" 0 "switches of others"
	[ "$(threads c.rec "select(.pid == $inside) | .tid" | wc -l)" -gt 1 ] || fail "not the threads of the cgroup"
	check_status 3 "$REC" sched --cgroup /is/not/there -o e.rec
	check_says "there is no cgroup '/is/not/there'"
}

test_a_thread_is_found_again_after_its_exec() {
	need_bpf
	one_of_six check_thread_that_execs "$REC"
}

# Nothing would come of a wrong number, and nothing would say so.
test_threads_that_are_not_there_are_refused() {
	local gone stranger
	sleep 0 &
	gone=$!
	wait $gone
	sleep 60 &
	stranger=$!
	for source in sched block syscalls faults; do
		check_status 3 "$REC" $source -a --tid $gone -o n.rec
		check_says "^rec: there is no thread $gone$"
	done
	check_status 3 "$REC" sched --tid $$,$gone -o n.rec
	check_says "^rec: there is no thread $gone$"
	check_status 3 "$REC" sched -p $$ --tid $gone -o n.rec
	check_says "there is no thread $gone"
	check_status 3 "$REC" sched -p $$ --tid $$,$stranger -o n.rec
	check_says "^rec: thread $stranger is of process $stranger, which is not among those of -p$"
	check_status 2 "$REC" sched --tid $stranger -o n.rec -- true
	check_says "not those of a command"
	[ ! -e n.rec ] || fail "there is a trace"
	kill $stranger
}

test_a_thread_outside_of_the_cgroup_is_refused() {
	local inside outside
	need_bpf
	make_cgroup
	sleep 60 &
	inside=$!
	sleep 60 &
	outside=$!
	mkdir "$mount/$group/below"
	echo $inside >"$mount/$group/below/cgroup.procs"
	"$REC" sched --cgroup "/$group" --tid $outside -o n.rec >out 2>err
	refused=$?
	"$REC" sched -q --cgroup "/$group" --tid $inside -d 0.1 -o i.rec 2>err2
	taken=$?
	kill $inside $outside
	wait $inside $outside
	rmdir "$mount/$group/below" "$mount/$group"
	check_equal $refused 3 "status"
	check_says "^rec: thread $outside is not in that cgroup$"
	check_equal $taken 0 "status of one that is in it: $(cat err2)"
}

test_several_sources_share_a_clock() {
	need_bpf
	slow "the same clocks are compared on the real one"
	check_status 0 "$REC" cpu,sched -F 499 -o s.rec -- "$SAMPLES/schedplan"
	[ "$(count_events s.rec cpu_sample)" -gt 50 ] || fail "no CPU samples"
	# A sample of a thread lies between its arrival and its leaving.
	"$ANA" dump s.rec -e sched_switch -f jsonl >switches
	"$ANA" dump s.rec -e cpu_sample -f jsonl >samples
	bad=$(jq -n --slurpfile s switches --slurpfile c samples '
		[ $c[] | select(.fields.comm == "rival") | .time as $t | .fields.tid as $tid |
		  ([ $s[] | select(.time <= $t and (.fields.tid == $tid or .fields.next_tid == $tid)) ] | last)
		  | select(. != null and .fields.next_tid != $tid) ] | length')
	all=$(grep -c rival samples)
	check_between 0 "$bad" $((all / 20 + 1)) "samples of rivals while they had no CPU, of $all"
}

test_a_trigger_waits_for_a_long_wait() {
	need_bpf
	slow "triggers know nothing of kernels"
	check_status 0 "$REC" sched --ring 10s --trigger 'sched_delay.latency > 3ms && sched_delay.comm == "rival"' \
		-o t.rec -- sh -c "$SAMPLES/schedplan; sleep 2"
	check_says 'triggered by'
}

test_unknown_words_are_refused() {
	check_status 2 "$REC" sched --stacks disk -- true
	check_says "knows no 'disk'"
	check_status 2 "$REC" sched --min soon -- true
	check_says 'is no time'
	check_status 2 "$REC" sched --comm a-name-that-is-much-too-long -- true
	check_says 'thread'
	check_status 2 "$REC" sched --buffer 5000 -- true
	check_says 'power of two'
}

test_an_ordinary_user_is_told_what_is_missing() {
	need_bpf
	[ "$(id -u)" = 0 ] || skip "not root"
	chmod 755 "$WORK" . && mkdir -m 777 place
	(cd place && check_status 3 setpriv --reuid 65534 --regid 65534 --clear-groups "$REC" sched -- true) || exit 1
	grep -q 'setcap cap_bpf,cap_perfmon' place/err || fail "$(cat place/err)"
}

run_tests
