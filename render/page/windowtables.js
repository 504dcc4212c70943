/* Tables of what the chosen window has in it, from the lanes of a timeline: threads with their states, calls,
 * faults, requests to disks. The tables of the analyzers below are of the whole recording, as percentiles of
 * a part cannot be had from those of the whole; these are made of the pieces themselves. */
'use strict';

const MOST_ROWS = 500;

class WindowTables {
	constructor(model, time) {
		this.model = model;
		this.element = html('div', { class: 'window-tables', hidden: '' });
		time.listen((now, base) => this.show(now, base));
	}

	show(now, base) {
		this.element.hidden = !now;
		this.element.replaceChildren();
		if (!now) return;
		this.approximate = false;
		this.element.append(
			html('h3', {}, base ? 'In window B, and in A' : 'In the window'),
			...this.makeAll(now, base),
		);
		if (this.approximate)
			this.element.append(
				html(
					'p',
					{ class: 'hint-below' },
					'Where the window cuts through short pieces that were put together, they count in proportion.',
				),
			);
		for (const table of this.element.querySelectorAll('table')) makeSortable(table);
	}

	/* ---- which tables ---- */

	makeAll(now, base) {
		const { lanes } = this.model;
		const states = lanes.filter((l) => l.group === 2 && l.title === '');
		const titles = [
			...new Set(
				lanes
					.filter((l) => l.title !== '' && l.group === 2)
					.map((l) => l.title),
			),
		];
		const disks = lanes.filter((l) => l.group === DISKS);
		const cpus = lanes.filter((l) => l.group === 0);

		return [
			...this.table(
				'Threads on CPUs',
				['Thread', 'Times', 'Time', 'Longest'],
				cpus,
				now,
				base,
			),
			...this.states(states, now, base),
			...this.table(
				'Requests to disks',
				['Request', 'Number', 'Time', 'Longest'],
				disks,
				now,
				base,
			),
			...titles.flatMap((title) =>
				this.table(
					`Events: ${title}`,
					['What', 'Number', 'Time', 'Longest'],
					lanes.filter((l) => l.title === title && l.group === 2),
					now,
					base,
				),
			),
		];
	}

	sums(lanes, range) {
		const { sums, approximate } = this.model.sums(lanes, ...range);

		this.approximate = this.approximate || approximate;
		return sums;
	}

	/* By name; with what the other window has, if there is one. */
	table(title, heads, lanes, now, base) {
		const sums = this.sums(lanes, now);
		const before = base ? this.sums(lanes, base) : new Map();
		const names = [...new Set([...sums.keys(), ...before.keys()])];
		const none = { count: 0, ns: 0, longest: 0 };
		const rows = names.map((name) => {
			const of = sums.get(name) || none;
			const was = before.get(name) || none;

			return [
				[this.model.names[name]],
				[formatCount(Math.round(of.count)), of.count],
				duration(of.ns),
				duration(of.longest),
				...(base
					? [
							[
								formatCount(Math.round(was.count)),
								was.count,
							],
							duration(was.ns),
						]
					: []),
			];
		});

		return makeTable(
			title,
			[...heads, ...(base ? ['Number in A', 'Time in A'] : [])],
			rows,
			2,
		);
	}

	/* Threads, with a column for each state that there is. */
	states(lanes, now, base) {
		const kinds = new Set();
		const rows = [];

		for (const lane of lanes) {
			const parts = [now, ...(base ? [base] : [])].map((range) => {
				const byKind = new Map();

				for (const [name, sum] of this.sums([lane], range)) {
					const kind = this.model.kinds[name];

					kinds.add(kind);
					byKind.set(kind, (byKind.get(kind) || 0) + sum.ns);
				}
				return byKind;
			});

			if (parts.some((p) => p.size)) rows.push([lane, parts]);
		}
		const list = [...kinds].sort((a, b) => a - b);
		const names = list.map((k) => capital(this.model.data.kinds[k]));
		const heads = ['Thread', ...names, ...(base ? names.map((n) => `${n} in A`) : [])];
		return makeTable(
			'What threads did',
			heads,
			rows.map(([lane, parts]) => [
				[this.model.laneName(lane)],
				...parts.flatMap((p) => list.map((k) => duration(p.get(k) || 0))),
			]),
			1,
		);
	}
}

function capital(text) {
	return text[0].toUpperCase() + text.slice(1);
}

function duration(ns) {
	return [formatWeight(Math.round(ns), 'ns'), Math.round(ns)];
}

/* A heading and a table; cells are [text, number?]; the rows with the largest number in a column come first.
 * Nothing if there are no rows. */
function makeTable(title, heads, rows, by) {
	if (!rows.length) return [];
	const th = heads.map((h, i) =>
		html('th', { scope: 'col', ...(i ? { class: 'n' } : {}) }, h),
	);
	const body = rows
		.sort((a, b) => b[by][1] - a[by][1])
		.slice(0, MOST_ROWS)
		.map((row) =>
			html(
				'tr',
				{},
				...row.map(([text, number]) =>
					html(
						'td',
						number === undefined
							? {}
							: { class: 'n', 'data-v': number },
						text,
					),
				),
			),
		);
	const table = html(
		'table',
		{},
		html('thead', {}, html('tr', {}, ...th)),
		html('tbody', {}, ...body),
	);

	return [html('h4', {}, title), html('div', { class: 'scroll', tabindex: '0' }, table)];
}
