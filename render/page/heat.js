/* A heatmap that answers: what a cell holds, by pointer and keyboard, and, where events have
 * stacks, the flame graph of a selection, below.
 *
 * The cells are drawn already (render/heat_still.c); here are only a cursor and a frame around what
 * is selected. A selection goes from one cell to another: of an ordinary heatmap the rectangle
 * between them; of one whose columns are seconds the time between them, which goes on from the top
 * of a column to the foot of the next. */
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
const DRAG = 4; /* pixels, from which on a press is no click */

function shape(name, className) {
	const el = document.createElementNS(SVG, name);

	el.setAttribute('class', className);
	return el;
}

/* Two moments, in the unit of the later one and as exactly as steps of this size ask for. */
function formatMoments(from, to, step) {
	const [, unit, name] =
		to >= 1e9 ? [0, 1e9, 's'] : DURATIONS.slice(4).find(([least]) => to >= least);
	let decimals = 0;

	while (decimals < 9 && (step * 10 ** decimals) % unit !== 0) decimals++;
	return [from, to].map((ns) => `${(ns / unit).toFixed(decimals)} ${name}`).join(' to ');
}

/* The counts, from what the page holds in runs. */
function readCells(numbers, n) {
	const cells = new Float64Array(n);
	let at = 0;

	for (const v of numbers) {
		if (v < 0) at -= v;
		else cells[at++] = v;
	}
	return cells;
}

class Heatmap {
	constructor(host, data) {
		this.host = host;
		this.data = data;
		this.id = data.id;
		this.columns = data.x.length - 1;
		this.rows = data.y.edges.length - 1;
		this.cells = readCells(data.cells, this.columns * this.rows);
		this.stacks = data.flame && new CellStacks(data.flame);
		this.cursor = null; /* [column, row] */
		this.ends = null; /* two of them: what is selected */
		this.anchor = null; /* the first end, while the second is awaited */
		this.onchange = () => {};
		this.build();
		this.listen();
	}

	/* ---- elements ---- */

	build() {
		this.svg = this.host.querySelector('svg');
		const [x, y] = this.svg.getAttribute('viewBox').split(' ').map(Number);
		const [left, top, width, height] = this.data.plot;

		Object.assign(this, { left: x + left, top: y + top, width, height });
		this.frame = shape('path', 'selection');
		this.veil = shape('path', 'veil');
		this.mark = shape('rect', 'cursor');
		this.mark.setAttribute('width', width);
		this.mark.setAttribute('height', height);
		this.mark.style.display = 'none';
		this.svg.append(this.veil, this.frame, this.mark);
		this.tip = html('div', { class: 'tip', role: 'tooltip', hidden: '' });
		this.said = html('output', { class: 'said', role: 'status' });
		this.svg.removeAttribute('role');
		this.svg.setAttribute('aria-hidden', 'true');
		this.host.tabIndex = 0;
		this.host.setAttribute('role', 'application');
		this.host.setAttribute(
			'aria-label',
			`Heatmap: ${this.data.title}. Arrow keys move from cell to cell.`,
		);
		this.hint = html('p', { class: 'hint-below' }, this.hintText());
		this.host.after(this.hint, this.tip, this.said);
		if (this.stacks) this.buildFlame();
	}

	hintText() {
		const move = 'Point at a cell, or move with the arrow keys, to see what it holds.';

		return this.stacks
			? 'Select a range to see its flame graph: drag, or click at both ends, or Enter ' +
					`at both ends. Esc selects everything. ${move}${this.sharedText()}`
			: move;
	}

	/* What was given up so that the page stays small. */
	sharedText() {
		const { block } = this.data.flame;

		return block > 1
			? ` To keep this page small, stacks are known for ${block} rows together.`
			: '';
	}

	buildFlame() {
		const host = html('div', { class: 'flame', 'data-id': this.stacks.tree.id });

		this.heading = html('h3', {});
		this.hint.after(this.heading, host);
		this.view = new FlameView(host, this.stacks.tree);
		this.tellSelection();
	}

	/* ---- places ---- */

	cellAt(e) {
		const r = this.svg.getBoundingClientRect();
		const box = this.svg.viewBox.baseVal;
		const scale = box.width / r.width;
		const x = box.x + (e.clientX - r.left) * scale - this.left;
		const y = box.y + (e.clientY - r.top) * scale - this.top;
		const column = Math.floor(x / this.width);
		const row = this.rows - 1 - Math.floor(y / this.height);

		if (column < 0 || row < 0 || column >= this.columns || row >= this.rows)
			return null;
		return [column, row];
	}

	x(column) {
		return this.left + column * this.width;
	}

	/* Of the upper edge of a row. */
	y(row) {
		return this.top + (this.rows - 1 - row) * this.height;
	}

	/* ---- words ---- */

	timeText(from, to) {
		const { x } = this.data;
		const step = x[1] - x[0];

		return formatMoments(x[from], x[to + 1], step);
	}

	rowText(from, to) {
		const { edges, unit, title } = this.data.y;
		const [a, b] = [edges[from], edges[to + 1]];

		if (unit === 'address') return `${a} to ${b}`;
		if (unit === 'number')
			return b - a === 1 ? `${title} ${a}` : `${title} ${a} to ${b - 1}`;
		if (unit === 'ns' || unit === 'bytes')
			return `${title}: ${formatWeight(a, unit)} to ${formatWeight(b, unit)}`;
		return (
			`${title}: ` +
			(b - a === 1
				? formatCount(a)
				: `${formatCount(a)} to ${formatCount(b - 1)}`)
		);
	}

	countText(count) {
		const { full, counted } = this.data;

		return full ? `${formatPercent(count, full)} busy` : formatWeight(count, counted);
	}

	/* ---- the cursor ---- */

	moveTo(cell, x, y, bottom) {
		this.cursor = cell;
		this.mark.style.display = cell ? '' : 'none';
		this.tip.hidden = !cell;
		if (!cell) return;
		const [column, row] = cell;
		const words = [
			this.countText(this.cells[row * this.columns + column]),
			this.timeText(column, column),
			this.rowText(row, row),
		];

		this.mark.setAttribute('x', this.x(column));
		this.mark.setAttribute('y', this.y(row));
		this.tip.replaceChildren(
			html('div', { class: 'name' }, words[0]),
			...words.slice(1).map((w) => html('div', {}, w)),
		);
		placeTip(this.tip, x, y, bottom);
		return words;
	}

	moveByKey(column, row) {
		const cell = [
			Math.max(0, Math.min(this.columns - 1, column)),
			Math.max(0, Math.min(this.rows - 1, row)),
		];

		this.moveTo(cell, 0, 0, 0);
		const r = this.mark.getBoundingClientRect();
		this.said.textContent = this.moveTo(
			cell,
			r.right + 8,
			r.bottom + 8,
			r.top - 8,
		).join(', ');
		if (this.anchor) this.drawSelection([this.anchor, cell]);
	}

	/* ---- selecting ---- */

	/* The two ends as columns and rows: a range in order of time, or a rectangle. Rows that share
	 * their weights are selected together. */
	bounds([a, b]) {
		const { range, block } = this.data.flame;
		const inOrder = a[0] < b[0] || (a[0] === b[0] && a[1] <= b[1]);
		const [from, to] = range
			? [inOrder ? a : b, inOrder ? b : a]
			: [
					[Math.min(a[0], b[0]), Math.min(a[1], b[1])],
					[Math.max(a[0], b[0]), Math.max(a[1], b[1])],
				];
		const low = from[1] - (from[1] % block);
		const high = Math.min(to[1] - (to[1] % block) + block, this.rows) - 1;

		return [
			[from[0], low],
			[to[0], high],
		];
	}

	contains([from, to], column, row) {
		if (!this.data.flame.range)
			return (
				column >= from[0] &&
				column <= to[0] &&
				row >= from[1] &&
				row <= to[1]
			);
		const n = column * this.rows + row;

		return n >= from[0] * this.rows + from[1] && n <= to[0] * this.rows + to[1];
	}

	/* Whether a block of rows, by its number in the weights, is between these bounds. */
	holds(bounds, number) {
		const row = Math.floor(number / this.columns) * this.data.flame.block;

		return this.contains(bounds, number % this.columns, row);
	}

	/* One rectangle, or up to three: the rest of a column, whole ones, the beginning of one. */
	rectangles([from, to]) {
		const last = this.rows - 1;

		if (!this.data.flame.range || from[0] === to[0])
			return [[from[0], from[1], to[0], to[1]]];
		return [
			[from[0], from[1], from[0], last],
			...(to[0] - from[0] > 1 ? [[from[0] + 1, 0, to[0] - 1, last]] : []),
			[to[0], 0, to[0], to[1]],
		];
	}

	drawSelection(ends) {
		const path = (ends ? this.rectangles(this.bounds(ends)) : []).map(
			([left, low, right, high]) =>
				`M${this.x(left)} ${this.y(high)}H${this.x(right + 1)}` +
				`V${this.y(low) + this.height}H${this.x(left)}Z`,
		);

		this.frame.setAttribute('d', path.join(''));
	}

	/* Marks columns, from the first to the last; null: none. */
	shade(columns) {
		const path = (a, b) =>
			`M${this.x(a)} ${this.top}H${this.x(b)}V${this.top + this.rows * this.height}H${this.x(a)}Z`;

		this.veil.setAttribute(
			'd',
			columns ? path(0, columns[0]) + path(columns[1] + 1, this.columns) : '',
		);
	}

	/* null: everything. */
	select(ends) {
		if (!this.stacks) return;
		this.anchor = null;
		this.ends = ends;
		this.drawSelection(ends);
		const bounds = ends && this.bounds(ends);
		this.view.show(
			bounds
				? this.stacks.selected((block) => this.holds(bounds, block))
				: this.stacks.tree,
		);
		this.tellSelection();
	}

	selectAndTell(ends) {
		this.select(ends);
		this.onchange(true);
	}

	tellSelection() {
		const { view, ends } = this;
		const what = ends ? this.selectionText(this.bounds(ends)) : 'everything';
		const { total } = view.tree.root;

		this.heading.textContent = `Flame graph of ${what}: ${formatWeight(total, view.tree.unit)}`;
	}

	/* Of a range the moments themselves. */
	selectionText([from, to]) {
		const { y } = this.data;

		if (!this.data.flame.range)
			return `${this.timeText(from[0], to[0])}, ${this.rowText(from[1], to[1])}`;
		return formatMoments(...this.moments([from, to]), y.edges[1] - y.edges[0]);
	}

	/* Where columns are seconds: from when until when. */
	moments([from, to]) {
		const { x, y } = this.data;

		return [x[from[0]] + y.edges[from[1]], x[to[0]] + y.edges[to[1] + 1]];
	}

	/* ---- pointer ---- */

	listen() {
		const { svg } = this;

		svg.addEventListener('pointerdown', (e) => this.press(e));
		svg.addEventListener('pointermove', (e) => this.pointAt(e));
		svg.addEventListener('pointerup', (e) => this.release(e));
		svg.addEventListener('pointercancel', () => this.stopDrag());
		svg.addEventListener('pointerleave', () => this.moveTo(null));
		this.host.addEventListener('blur', () => this.moveTo(null));
		this.host.addEventListener('keydown', (e) => this.key(e));
	}

	press(e) {
		const cell = this.cellAt(e);

		if (!cell || e.button !== 0) return;
		this.start = { cell, x: e.clientX, y: e.clientY, dragging: false };
		this.moveTo(cell, e.clientX + 12, e.clientY + 16, e.clientY - 12);
	}

	pointAt(e) {
		const cell = this.cellAt(e);

		this.moveTo(cell, e.clientX + 12, e.clientY + 16, e.clientY - 12);
		if (!cell || !this.stacks) return;
		const { start } = this;
		if (start && !start.dragging && e.pointerType !== 'touch')
			start.dragging =
				Math.hypot(e.clientX - start.x, e.clientY - start.y) > DRAG;
		if (start && start.dragging) this.drawSelection([start.cell, cell]);
		else if (this.anchor) this.drawSelection([this.anchor, cell]);
	}

	release(e) {
		const { start } = this;
		const cell = this.cellAt(e);

		this.start = null;
		if (!start || !this.stacks) return;
		if (start.dragging)
			this.selectAndTell([start.cell, cell || this.cursor || start.cell]);
		else if (cell) this.choose(cell);
	}

	stopDrag() {
		this.start = null;
		this.drawSelection(this.ends);
	}

	/* The first end, then the second. */
	choose(cell) {
		if (this.anchor) {
			this.selectAndTell([this.anchor, cell]);
			return;
		}
		this.anchor = cell;
		this.drawSelection([cell, cell]);
	}

	/* ---- keyboard ---- */

	key(e) {
		const [column, row] = this.cursor || [0, 0];
		const far = e.ctrlKey || e.metaKey ? 10 : 1;
		const moves = {
			ArrowLeft: [column - far, row],
			ArrowRight: [column + far, row],
			ArrowUp: [column, row + far],
			ArrowDown: [column, row - far],
			Home: [0, row],
			End: [this.columns - 1, row],
			PageUp: [column, this.rows - 1],
			PageDown: [column, 0],
		};

		if (e.altKey || e.target !== this.host) return;
		if (moves[e.key]) this.moveByKey(...(this.cursor ? moves[e.key] : [column, row]));
		else if ((e.key === 'Enter' || e.key === ' ') && this.cursor && this.stacks)
			this.choose(this.cursor);
		else if (e.key === 'Escape' && this.stacks) this.escape();
		else return;
		e.preventDefault();
	}

	/* First gives up a selection that was begun, then the one there is. */
	escape() {
		if (this.anchor) {
			this.anchor = null;
			this.drawSelection(this.ends);
		} else {
			this.selectAndTell(null);
		}
	}

	/* ---- links ---- */

	writeLink() {
		return this.ends ? this.ends.flat().join('.') : '';
	}

	readLink(text) {
		const n = text.split('.').map(Number);
		const isCell = ([column, row]) =>
			column >= 0 && column < this.columns && row >= 0 && row < this.rows;
		const ends = [n.slice(0, 2), n.slice(2)];

		if (!this.stacks) return;
		this.select(
			n.length === 4 && n.every(Number.isInteger) && ends.every(isCell)
				? ends
				: null,
		);
	}
}
