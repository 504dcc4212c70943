/* The window of time that the page shows, and the one that it is compared with.
 *
 * It is chosen in a timeline; whatever can show a part of the time listens. A bar that stays in sight says
 * what is chosen, so that a number far below is not taken for one of the whole recording. */
'use strict';

class TimeWindow {
	constructor() {
		this.id = 'window';
		this.now = null; /* [from, to] in ns since the trace's start; null: everything */
		this.base = null;
		this.listeners = [];
		this.onchange = () => {};
		this.buildBar();
	}

	/* From now on, and once if there is a window already: parts of the page are made late. */
	listen(show) {
		this.listeners.push(show);
		if (this.now || this.base) show(this.now, this.base);
	}

	/* As the other parts of the page, but made from the start. */
	part() {
		const part = new Part(this.bar, this.id, () => this);

		part.get();
		return part;
	}

	/* ---- the bar ---- */

	buildBar() {
		const button = (text, title, action) => {
			const b = html('button', { type: 'button', title }, text);

			b.addEventListener('click', action);
			return b;
		};

		this.said = html('output', { class: 'chosen', role: 'status' });
		this.keep = button(
			'Compare with another',
			'Keep this window, and choose another',
			() => this.keepAsBase(),
		);
		this.swap = button('Swap', 'Exchange the two windows', () => this.swapBoth());
		this.clear = button('Show everything', 'Give up the window', () => this.reset());
		this.bar = html(
			'div',
			{
				class: 'window-bar toolbar',
				role: 'region',
				'aria-label': 'Window of time',
				hidden: '',
			},
			this.said,
			html('span', { class: 'buttons' }, this.keep, this.swap, this.clear),
		);
	}

	words(range) {
		const [from, to] = range;

		return `${formatPoints(from, to)} (${formatWeight(Math.round(to - from), 'ns')})`;
	}

	drawBar() {
		const { now, base } = this;

		this.bar.hidden = !now && !base;
		this.keep.hidden = !now || base !== null;
		this.swap.hidden = !now || !base;
		if (base)
			this.said.textContent = now
				? `B: ${this.words(now)}, compared with A: ${this.words(base)}`
				: `A: ${this.words(base)}. Choose B in the timeline, or in a heatmap of seconds.`;
		else if (now) this.said.textContent = `Window: ${this.words(now)}`;
	}

	/* ---- choosing ---- */

	set(now, base, asStep) {
		this.now = now;
		this.base = base;
		this.drawBar();
		for (const listen of this.listeners) listen(now, base);
		document.body.classList.toggle('windowed', now !== null);
		if (asStep) this.onchange(true);
	}

	choose(range) {
		this.set(range, this.base, true);
	}

	keepAsBase() {
		this.set(null, this.now, true);
	}

	swapBoth() {
		this.set(this.base, this.now, true);
	}

	reset() {
		this.set(null, null, true);
	}

	/* ---- links ---- */

	writeLink() {
		const list = [this.now, this.base].map((r) =>
			r ? r.map(Math.round).join('-') : '',
		);

		return list[1] ? list.join('~') : list[0];
	}

	readLink(text) {
		const [now, base] = text.split('~').map((range) => {
			const [from, to] = (/^(\d+)-(\d+)$/.exec(range) || []).slice(1).map(Number);

			return to > from ? [from, to] : null;
		});

		this.set(now || null, base || null, false);
	}
}

/* Two moments, as exactly as their distance asks for. */
function formatPoints(from, to) {
	const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(to - from, 1))) - 2);
	const round = (ns) => Math.round(ns / step) * step;

	return formatMoments(round(from), round(to), step);
}
