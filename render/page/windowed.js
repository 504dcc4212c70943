/* What a window of time does to the rest of the page: flame graphs and heatmaps show that time; of two
 * windows flame graphs show the difference. Sections that know the whole recording only say so. */
'use strict';

/* A flame graph that knows what came when, in slices of the time. */
class WindowedFlame {
	constructor(view) {
		this.view = view;
		this.data = view.data;
		this.edges = view.data.slices.edges;
		this.stacks = new CellStacks({
			tree: view.data,
			weights: view.data.slices.weights,
		});
		this.said = html('p', { class: 'shown-time', role: 'status', hidden: '' });
		view.host.before(this.said);
	}

	/* The slices that have a part in a range: from the first to before the last. */
	slices([from, to]) {
		const n = this.edges.length - 1;
		let first = 0;
		let end = n;

		while (first < n && this.edges[first + 1] <= from) first++;
		while (end > first && this.edges[end - 1] >= to) end--;
		return [first, end];
	}

	words([first, end]) {
		const { edges } = this;

		if (first >= end) return 'a time without any';
		return formatPoints(edges[first], edges[end]);
	}

	show(now, base) {
		const { view, stacks } = this;

		this.said.hidden = !now;
		if (!now) {
			view.show(this.data);
			return;
		}
		const b = this.slices(now);
		const inside =
			([first, end]) =>
			(slice) =>
				slice >= first && slice < end;
		const step = this.edges.length > 1 ? this.edges[1] - this.edges[0] : 0;
		const exactly = `It is known in slices of ${formatWeight(step, 'ns')}.`;

		if (!base) {
			view.show(stacks.selected(inside(b)));
			this.said.textContent = `Shown: ${this.words(b)}, ${this.totalWords()}. ${exactly}`;
			return;
		}
		const a = this.slices(base);
		const compared = stacks.compared(inside(b), inside(a));
		view.show(compared);
		this.said.textContent =
			`Shown: B, ${this.words(b)}, ${this.totalWords()}. Colours compare shares with A, ${this.words(a)}, ` +
			`${formatWeight(compared.baseTotal, this.data.unit)}: orange is more, blue is less. ` +
			`${formatPercent(compared.gone, compared.baseTotal)} of A is in frames that B does not have (Swap shows them). ${exactly}`;
	}

	totalWords() {
		return formatWeight(this.view.tree.root.total, this.data.unit);
	}
}

/* A heatmap: its columns are times. */
class WindowedHeatmap {
	constructor(heatmap, time) {
		this.heatmap = heatmap;
		this.time = time;
		if (heatmap.data.flame && heatmap.data.flame.range) this.addButton();
		this.said = html('p', { class: 'shown-time', role: 'status', hidden: '' });
		heatmap.host.before(this.said);
	}

	/* Columns that are seconds are chosen from exactly; what is selected becomes the window at once if another one
	 * waits to be compared with it. */
	addButton() {
		const { heatmap, time } = this;
		const take = () => {
			const bounds = heatmap.ends && heatmap.bounds(heatmap.ends);

			if (bounds) time.choose(heatmap.moments(bounds));
		};
		const select = heatmap.selectAndTell.bind(heatmap);

		this.button = html(
			'button',
			{ type: 'button', disabled: '' },
			'Make the selection the window',
		);
		this.button.addEventListener('click', take);
		heatmap.hint.after(html('div', { class: 'toolbar' }, this.button));
		heatmap.selectAndTell = (ends) => {
			select(ends);
			this.button.disabled = !ends;
			if (ends && time.base && !time.now) take();
		};
	}

	show(now) {
		const { heatmap } = this;
		const { x } = heatmap.data;
		const n = x.length - 1;

		this.said.hidden = !now;
		if (heatmap.data.flame && heatmap.data.flame.range) {
			heatmap.select(now ? this.moments(now) : null);
			this.button.disabled = !now;
			this.said.hidden = true;
			return;
		}
		let first = 0;
		let last = n - 1;
		if (now) {
			while (first < n - 1 && x[first + 1] <= now[0]) first++;
			while (last > first && x[last] >= now[1]) last--;
		}
		const hasAny = now && x[n] > now[0] && x[0] < now[1];
		heatmap.shade(hasAny ? [first, last] : null);
		if (heatmap.stacks)
			heatmap.select(
				hasAny
					? [
							[first, 0],
							[last, heatmap.rows - 1],
						]
					: null,
			);
		if (now)
			this.said.textContent = hasAny
				? this.words(first, last)
				: 'There is nothing in the window.';
	}

	/* Of columns that are seconds: from one cell to another. */
	moments(now) {
		const { x, y } = this.heatmap.data;
		const second = x[1] - x[0];
		const cell = (time) => {
			const column = Math.floor((time - x[0]) / second);
			const inside = Math.max(0, Math.min(this.heatmap.columns - 1, column));
			const row = Math.floor(
				(time - x[0] - inside * second) / (y.edges[1] - y.edges[0]),
			);

			return [inside, Math.max(0, Math.min(this.heatmap.rows - 1, row))];
		};

		return [cell(now[0]), cell(Math.max(now[0], now[1] - 1))];
	}

	/* How many, and percentiles as exactly as the rows are high. */
	words(first, last) {
		const { heatmap } = this;
		const { x, y, counted, full } = heatmap.data;
		const sums = [];
		let total = 0;

		for (let row = 0; row < heatmap.rows; row++) {
			let sum = 0;

			for (let c = first; c <= last; c++)
				sum += heatmap.cells[row * heatmap.columns + c];
			total += sum;
			sums.push(total);
		}
		const when = `Shown: ${formatPoints(x[first], x[last + 1])} (whole columns)`;
		if (full) return `${when}.`;
		const below = (part) =>
			formatWeight(y.edges[sums.findIndex((s) => s >= total * part) + 1], y.unit);
		const percentiles =
			total && y.unit === 'ns'
				? `; ${y.title}: half below ${below(0.5)}, 99% below ${below(0.99)}, all below ${below(1)}`
				: '';
		return `${when}, ${formatWeight(total, counted)}${percentiles}.`;
	}
}
