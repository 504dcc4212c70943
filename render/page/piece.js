/* What is known of one piece of a timeline: how long it took and where, its stack, and what else went on
 * meanwhile that has to do with it: who woke it, who ran instead, which call it was in, what it asked disks
 * for. All of it from the lanes: each source tells its part, and the time joins them. */
'use strict';

const MOST = 8; /* pieces in a list */
const MOST_FRAMES = 60;
const DISKS = 1;
const WAITING = 2;
const SCHEDULER =
	/^(__)?schedule(_|$)|^io_schedule|^preempt_schedule|^__cond_resched|^(do_)?nanosleep|^hrtimer_nanosleep|^x64_sys|^do_syscall_64|^entry_SYSCALL/;

class PieceDetail {
	constructor(timeline) {
		this.timeline = timeline;
		this.model = timeline.model;
		this.element = html('div', {
			class: 'piece',
			role: 'region',
			'aria-label': 'Selected piece',
			hidden: '',
		});
	}

	/* ---- words ---- */

	/* The name, how long, when, where: for a tip, and to be said. */
	summary({ lane, i }) {
		const words = [this.title(lane, i), this.when(lane, i), this.model.laneName(lane)];

		if (lane.name[i] < 0) words.push(...this.partWords(lane, i).slice(0, 4));
		if (lane.who[i]) words.push(this.whoWords(lane, i));
		if (lane.behind[i])
			words.push(`meanwhile ran ${this.model.threadName(lane.behind[i] - 1)}`);
		return words;
	}

	title(lane, i) {
		const on = this.blockedOn(lane, i);
		const ns = lane.to[i] - lane.from[i];

		return `${this.model.pieceName(lane, i)}${on ? ` in ${on}` : ''}${ns ? ` for ${formatWeight(ns, 'ns')}` : ''}`;
	}

	when(lane, i) {
		return formatPoints(lane.from[i], Math.max(lane.to[i], lane.from[i] + 1));
	}

	whoWords(lane, i) {
		const name = this.model.threadName(lane.who[i] - 1);

		if (lane.group === DISKS) return `asked for by ${name}`;
		return lane.group === 0 ? `thread ${name}` : `woken by ${name}`;
	}

	partWords(lane, i) {
		const words = [];

		lane.eachPart(i, (name, count, ns, longest) => {
			words.push([
				ns,
				`${formatCount(count)} × ${this.model.names[name]}: ${formatWeight(ns, 'ns')}, the longest ${formatWeight(longest, 'ns')}`,
			]);
		});
		return words.sort((a, b) => b[0] - a[0]).map(([, text]) => text);
	}

	/* The function that waits, behind those of the scheduler itself; only of what left a CPU. */
	blockedOn(lane, i) {
		if (lane.title !== '' || !lane.stack[i]) return '';
		const frame = this.model
			.frames(lane.stack[i])
			.find(([name]) => !SCHEDULER.test(name));

		return frame ? frame[0] : '';
	}

	/* ---- the panel ---- */

	show(piece) {
		this.element.hidden = !piece;
		this.element.replaceChildren();
		if (!piece) return;
		const { lane, i } = piece;

		this.element.append(
			html('h3', {}, this.title(lane, i)),
			html(
				'p',
				{ class: 'subtitle' },
				`${this.model.laneName(lane)} · ${this.when(lane, i)}`,
			),
			this.buttons(piece),
			this.facts(lane, i),
			...(lane.name[i] < 0 ? [this.parts(lane, i)] : this.meanwhile(lane, i)),
			this.stacks(lane, i),
		);
	}

	buttons({ lane, i }) {
		const button = (text, action) => {
			const b = html('button', { type: 'button' }, text);

			b.addEventListener('click', action);
			return b;
		};

		return html(
			'div',
			{ class: 'toolbar' },
			html(
				'span',
				{ class: 'buttons' },
				button('Make its time the window', () =>
					this.timeline.chooseSelected(),
				),
				button('Zoom to it', () =>
					this.timeline.zoomTo([lane.from[i], lane.to[i]]),
				),
			),
		);
	}

	facts(lane, i) {
		const list = html('dl', { class: 'facts' });
		const add = (name, ...value) =>
			list.append(html('dt', {}, name), html('dd', {}, ...value));
		const thread = lane.thread >= 0 ? this.model.threads[lane.thread] : null;

		if (thread)
			add(
				'Thread',
				`${thread.name}, process ${thread.pid}, thread ${thread.tid}`,
			);
		if (lane.name[i] < 0) return list;
		if (lane.valueName === 'CPU') add('CPU', formatCount(lane.value[i]));
		else if (lane.valueName === 'bytes')
			add('Size', formatWeight(lane.value[i], 'bytes'));
		if (lane.who[i])
			add(
				lane.group === DISKS
					? 'Asked for by'
					: lane.group === 0
						? 'Thread'
						: 'Woken by',
				this.threadLink(
					lane.who[i] - 1,
					lane.group === DISKS ? lane.from[i] : lane.to[i],
				),
			);
		if (lane.behind[i])
			add('Ran meanwhile', this.threadLink(lane.behind[i] - 1, lane.from[i]));
		return list;
	}

	/* To what a thread did then; only its name if it has no lane here. */
	threadLink(thread, time) {
		const lane =
			this.model.stateLane(thread) || (this.model.lanesOf.get(thread) || [])[0];
		const name = this.model.threadName(thread);

		return lane
			? this.link(
					{
						lane,
						i: Math.min(lane.firstAfter(time - 1), lane.n - 1),
					},
					name,
				)
			: name;
	}

	link(piece, text) {
		const b = html('button', { type: 'button', class: 'link' }, text);

		b.addEventListener('click', () => this.timeline.lookAt(piece));
		return b;
	}

	/* ---- what a piece is made of ---- */

	parts(lane, i) {
		const words = this.partWords(lane, i);

		return html(
			'div',
			{},
			html(
				'p',
				{ class: 'hint-below' },
				`Pieces shorter than ${formatWeight(lane.least, 'ns')} were put together in this lane, to keep the page small.` +
					' A recording of a shorter time, or `ana report --time`, shows each.',
			),
			html('ul', {}, ...words.map((w) => html('li', {}, w))),
		);
	}

	/* ---- joined by time ---- */

	meanwhile(lane, i) {
		const [from, to] = [lane.from[i], lane.to[i]];
		const lists = [];
		const add = (title, rows) => {
			if (rows.length)
				lists.push(
					html('h4', {}, title),
					html('ul', {}, ...rows.map((r) => html('li', {}, ...r))),
				);
		};

		if (lane.group === 2 && this.model.kinds[lane.name[i]] === WAITING)
			add('Who had the CPU', this.whoHadTheCpu(lane, i));
		if (lane.group === 2) add('The same thread meanwhile', this.sameThread(lane, i));
		if (lane.group === 2)
			add('It had asked disks for', this.requests(lane.thread, from, to));
		if (lane.group === DISKS && lane.who[i])
			add('Who asked was in', this.ofThread(lane.who[i] - 1, from, to));
		if (lane.group === 2 && lane.who[i] && this.model.kinds[lane.name[i]] !== WAITING)
			add('Who woke it, meanwhile', this.ofThread(lane.who[i] - 1, from, to));
		return lists;
	}

	rows(pieces) {
		return pieces.map((p) => [
			this.link(p, `${this.title(p.lane, p.i)}`),
			` · ${this.model.laneName(p.lane)}${p.ns > 0 && p.ns < p.lane.to[p.i] - p.lane.from[p.i] ? ` · ${formatWeight(p.ns, 'ns')} of it then` : ''}`,
		]);
	}

	/* The lines of the same thread, and its state if the piece is from one of those. */
	sameThread(lane, i) {
		const others = this.model.lanesOf.get(lane.thread).filter((l) => l !== lane);

		return this.rows(
			this.model.pieces(others, lane.from[i], lane.to[i], () => true, MOST),
		);
	}

	ofThread(thread, from, to) {
		return this.rows(
			this.model.pieces(
				this.model.lanesOf.get(thread) || [],
				from,
				to,
				() => true,
				MOST,
			),
		);
	}

	requests(thread, from, to) {
		const disks = this.model.lanes.filter((l) => l.group === DISKS);

		return this.rows(
			this.model.pieces(disks, from, to, (l, i) => l.who[i] === thread + 1, MOST),
		);
	}

	whoHadTheCpu(lane, i) {
		const cpu = this.model.cpuLane(lane.value[i]);
		const [from, to] = [lane.from[i], lane.to[i]];

		if (!cpu) return [];
		const { sums } = this.model.sums([cpu], from, to);
		const known = [...sums.values()].reduce((n, sum) => n + sum.ns, 0);
		const rest = `not recorded, or nobody: ${formatPercent(to - from - known, to - from)} of the wait`;
		const list = [...sums]
			.sort((a, b) => b[1].ns - a[1].ns)
			.slice(0, MOST)
			.map(([name, sum]) => {
				const piece = this.model.pieces(
					[cpu],
					from,
					to,
					(l, k) => l.name[k] === name,
					1,
				)[0];
				const text = this.model.names[name];

				return [
					piece ? this.link(piece, text) : text,
					` ${formatWeight(Math.round(sum.ns), 'ns')}, ${formatPercent(sum.ns, to - from)} of the wait`,
				];
			});

		return to - from - known > (to - from) / 100 ? [...list, [rest]] : list;
	}

	/* ---- stacks ---- */

	stacks(lane, i) {
		const list = html('div', { class: 'stacks' });
		const add = (title, stack) => {
			if (!stack) return;
			const frames = this.model.frames(stack);

			list.append(
				html('h4', {}, title),
				html(
					'ol',
					{ class: 'stack' },
					...frames
						.slice(0, MOST_FRAMES)
						.map(([name, module]) =>
							html(
								'li',
								{},
								name,
								...(module
									? [
											html(
												'span',
												{},
												` ${module}`,
											),
										]
									: []),
							),
						),
				),
			);
			if (frames.length > MOST_FRAMES)
				list.append(
					html(
						'p',
						{ class: 'hint-below' },
						`and ${frames.length - MOST_FRAMES} callers`,
					),
				);
		};

		add('Stack, innermost first', lane.stack[i]);
		add('Stack of who woke it', lane.whosStack[i]);
		return list;
	}
}
