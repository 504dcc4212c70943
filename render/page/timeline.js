/* A timeline on the page: lanes on a canvas, which moves in time and scrolls; pieces that can be pointed at
 * and selected; a window of time that can be chosen, for everything else on the page to show.
 *
 * Only lanes and pieces in sight are painted, once for each frame of the screen at most. */
'use strict';

const RULER = 24;
const LANE_HEIGHT = [18, 12, 18];
const LINE_HEIGHT = 9; /* of lines below a thread's */
const GAP = 2;
const MIN_SPAN = 50; /* ns across the picture */
const NEAR = 4; /* pixels */

class Timeline {
	constructor(host, data, time) {
		this.host = host;
		this.id = data.id;
		this.model = new TimelineModel(data);
		this.time = time;
		this.view = { from: this.model.from, to: this.model.to };
		this.selected = null; /* { lane, i } */
		this.column =
			null; /* where the keyboard goes from lane to lane; null: where it is */
		this.hovered = null;
		this.drag = null;
		this.found = null; /* by name: whether the search matches */
		this.onchange = () => {};
		this.build();
		this.place();
		this.painter = new LanePainter(this.model, host);
		this.listen();
		time.listen(() => this.drawSoon());
		this.resize();
	}

	/* ---- elements ---- */

	build() {
		this.canvas = html('canvas', { 'aria-hidden': 'true' });
		this.spacer = html('div', { class: 'spacer' });
		this.panel = html(
			'div',
			{
				class: 'lanes-panel',
				tabindex: '0',
				role: 'application',
				'aria-label':
					'Timeline. Arrow keys move from piece to piece and from lane to lane, ' +
					'Enter makes the time of a piece the window, question mark tells all keys.',
			},
			this.canvas,
			this.spacer,
		);
		this.tip = html('div', { class: 'tip', role: 'tooltip', hidden: '' });
		this.said = html('output', { class: 'said', role: 'status' });
		this.detail = new PieceDetail(this);
		this.tables = new WindowTables(this.model, this.time);
		this.host.append(
			this.buildToolbar(),
			this.panel,
			this.buildLegend(),
			this.tip,
			this.said,
			this.detail.element,
			this.tables.element,
		);
	}

	buildToolbar() {
		const button = (text, key, action) => {
			const b = html('button', { type: 'button', title: `Key: ${key}` }, text);

			b.addEventListener('click', action);
			return b;
		};

		this.search = html('input', {
			type: 'search',
			class: 'search',
			spellcheck: 'false',
			autocomplete: 'off',
			placeholder: 'Search: thread, call or state, or regular expression',
			'aria-label': 'Search the timeline by regular expression',
		});
		this.matches = html('output', { class: 'found', role: 'status' });
		this.help = button('?', '?', () => this.toggleHelp());
		this.help.setAttribute('aria-label', 'Help for the timeline');
		return html(
			'div',
			{ class: 'toolbar', role: 'toolbar', 'aria-label': 'Timeline' },
			this.search,
			this.matches,
			html(
				'span',
				{ class: 'buttons' },
				button('+', '+', () => this.zoomBy(0.5)),
				button('−', '-', () => this.zoomBy(2)),
				button('To window', 'z', () => this.zoomToChosen()),
				button('All', '0', () =>
					this.show(this.model.from, this.model.to, true),
				),
				this.help,
			),
		);
	}

	buildLegend() {
		const used = new Set();

		for (const lane of this.model.lanes)
			if (lane.group !== 0)
				for (let i = 0; i < lane.n; i++)
					lane.eachPart(i, (name) =>
						used.add(this.model.kinds[name]),
					);
		const entries = [...used]
			.sort((a, b) => a - b)
			.map((kind) => {
				const key = html('span', { class: `key t${kind}` });

				return html(
					'span',
					{ class: 'entry' },
					key,
					this.model.data.kinds[kind],
				);
			});
		return html(
			'div',
			{ class: 'legend' },
			...entries,
			html(
				'span',
				{ class: 'hint' },
				'drag: choose a window · Ctrl and wheel: zoom · ? for keys',
			),
		);
	}

	/* ---- places ---- */

	/* Lanes below each other, with a line of space between threads. */
	place() {
		let y = 0;
		let last = null;

		this.rows = this.model.lanes.map((lane) => {
			const isLine =
				lane.thread >= 0 &&
				lane.title !== '' &&
				last &&
				last.thread === lane.thread;

			y +=
				last && !isLine && (lane.group !== last.group || lane.group === 2)
					? 5
					: 0;
			const row = { lane, y, h: isLine ? LINE_HEIGHT : LANE_HEIGHT[lane.group] };
			y += row.h + GAP;
			last = lane;
			return row;
		});
		this.height = y;
		this.spacer.style.height = `${y + RULER + 4}px`;
		this.panel.style.setProperty('--lanes-height', `${y + RULER + 6}px`);
	}

	resize() {
		const { clientWidth, clientHeight } = this.panel;
		const scale = devicePixelRatio || 1;

		this.width = clientWidth;
		this.room = clientHeight;
		this.gutter = Math.round(Math.min(210, clientWidth * 0.28));
		this.canvas.width = Math.round(clientWidth * scale);
		this.canvas.height = Math.round(clientHeight * scale);
		this.canvas.style.width = `${clientWidth}px`;
		this.canvas.style.height = `${clientHeight}px`;
		this.draw();
	}

	plotWidth() {
		return Math.max(1, this.width - this.gutter - 4);
	}

	scale() {
		return this.plotWidth() / (this.view.to - this.view.from);
	}

	xOf(time) {
		return this.gutter + (time - this.view.from) * this.scale();
	}

	timeAt(x) {
		const time = this.view.from + (x - this.gutter) / this.scale();

		return Math.max(this.view.from, Math.min(this.view.to, time));
	}

	/* The pointer on the canvas. */
	pointer(e) {
		const r = this.canvas.getBoundingClientRect();

		return { x: e.clientX - r.left, y: e.clientY - r.top };
	}

	rowAt(y) {
		const at = y - RULER + this.panel.scrollTop;

		return y < RULER ? null : this.rows.find((r) => at >= r.y && at < r.y + r.h + GAP);
	}

	/* The piece there, or one that is too narrow to be hit exactly. */
	pieceAt({ x, y }) {
		const row = x >= this.gutter ? this.rowAt(y) : null;

		if (!row) return null;
		const { lane } = row;
		const time = this.timeAt(x);
		const near = NEAR / this.scale();
		const [first, end] = lane.between(time - near, time + near);
		let best = null;

		for (let i = first; i < end; i++) {
			const away = Math.max(lane.from[i] - time, time - lane.to[i], 0);

			if (!best || away < best.away) best = { lane, i, away };
		}
		return best;
	}

	/* ---- painting ---- */

	drawSoon() {
		if (this.scheduled) return;
		this.scheduled = true;
		requestAnimationFrame(() => {
			this.scheduled = false;
			this.draw();
		});
	}

	draw() {
		const ctx = this.canvas.getContext('2d');
		const scale = devicePixelRatio || 1;

		ctx.setTransform(scale, 0, 0, scale, 0, 0);
		ctx.font = '11px system-ui, sans-serif';
		ctx.textBaseline = 'middle';
		ctx.fillStyle = this.painter.back;
		ctx.fillRect(0, 0, this.width, this.room);
		this.drawGrid(ctx);
		this.drawRows(ctx);
		this.drawChosen(ctx);
		this.drawRuler(ctx);
	}

	drawRows(ctx) {
		const top = this.panel.scrollTop;
		const view = {
			from: this.view.from,
			scale: this.scale(),
			left: this.gutter,
			width: this.plotWidth(),
		};

		for (const row of this.rows) {
			const y = RULER + row.y - top;

			if (y + row.h < RULER || y > this.room) continue;
			this.painter.paint(ctx, row.lane, view, y, row.h, this.found);
			this.drawLabel(ctx, row, y);
			this.drawOutline(ctx, row, y, this.hovered, this.painter.muted);
			this.drawOutline(ctx, row, y, this.selected, this.painter.text);
		}
	}

	drawLabel(ctx, row, y) {
		const { lane } = row;
		const isLine = row.h === LINE_HEIGHT;

		if (lane.title !== '' && lane.title === this.labelAbove(row)) return;
		ctx.save();
		ctx.beginPath();
		ctx.rect(0, y - 2, this.gutter - 6, row.h + 4);
		ctx.clip();
		ctx.fillStyle = isLine ? this.painter.muted : this.painter.text;
		ctx.font = isLine ? '9px system-ui, sans-serif' : '12px system-ui, sans-serif';
		ctx.fillText(
			isLine ? lane.title : this.model.laneName(lane),
			isLine ? 16 : 2,
			y + row.h / 2,
		);
		ctx.restore();
	}

	/* Several lines of one kind have their name once. */
	labelAbove(row) {
		const above = this.rows[row.lane.number - 1];

		return above && above.lane.thread === row.lane.thread ? above.lane.title : null;
	}

	drawOutline(ctx, row, y, piece, color) {
		if (!piece || piece.lane !== row.lane) return;
		const x = Math.max(this.gutter, this.xOf(row.lane.from[piece.i]));
		const right = Math.min(this.width, this.xOf(row.lane.to[piece.i]));

		if (right < this.gutter || x > this.width) return;
		ctx.strokeStyle = color;
		ctx.lineWidth = 2;
		ctx.strokeRect(x - 1, y - 1, Math.max(3, right - x + 1), row.h + 2);
	}

	/* Round moments, some 90 pixels from each other. */
	ticks() {
		const least = (90 / this.plotWidth()) * (this.view.to - this.view.from);
		const power = 10 ** Math.floor(Math.log10(least));
		const step = Math.max(
			1,
			[1, 2, 5, 10].map((n) => n * power).find((n) => n >= least),
		);
		const list = [];

		for (let t = Math.ceil(this.view.from / step) * step; t <= this.view.to; t += step)
			list.push(t);
		return { step, list };
	}

	drawGrid(ctx) {
		ctx.fillStyle = this.painter.line;
		for (const t of this.ticks().list)
			ctx.fillRect(Math.round(this.xOf(t)), RULER, 1, this.room);
	}

	drawRuler(ctx) {
		const { step, list } = this.ticks();
		const text = tickText(step, this.view.to);

		ctx.fillStyle = this.painter.card;
		ctx.fillRect(0, 0, this.width, RULER);
		ctx.fillStyle = this.painter.line;
		ctx.fillRect(0, RULER - 1, this.width, 1);
		ctx.fillRect(this.gutter - 1, 0, 1, this.room);
		ctx.fillStyle = this.painter.muted;
		for (const t of list) {
			const x = Math.round(this.xOf(t));

			ctx.fillRect(x, RULER - 6, 1, 5);
			if (x + 70 < this.width) ctx.fillText(text(t), x + 3, RULER / 2 - 1);
		}
	}

	/* The window as it is, or as it is being dragged; and the one it is compared with. */
	drawChosen(ctx) {
		const { now, base } = this.time;
		const drag = this.drag && this.drag.range;

		if (base) this.drawRange(ctx, base, 'A', this.painter.muted, false);
		if (drag || now)
			this.drawRange(
				ctx,
				drag || now,
				base ? 'B' : '',
				this.painter.accent,
				true,
			);
	}

	drawRange(ctx, [from, to], name, color, isShaded) {
		const left = Math.max(this.gutter, this.xOf(from));
		const right = Math.min(this.width, this.xOf(to));

		if (isShaded) {
			ctx.globalAlpha = 0.55;
			ctx.fillStyle = this.painter.back;
			ctx.fillRect(
				this.gutter,
				RULER,
				Math.min(left, this.width) - this.gutter,
				this.room,
			);
			ctx.fillRect(
				Math.max(right, this.gutter),
				RULER,
				this.width - right,
				this.room,
			);
		}
		ctx.globalAlpha = 1;
		if (right < left) return;
		ctx.fillStyle = color;
		for (const x of [left, right]) ctx.fillRect(Math.round(x) - 1, 0, 2, this.room);
		ctx.globalAlpha = 0.12;
		ctx.fillRect(left, 0, right - left, this.room);
		ctx.globalAlpha = 1;
		ctx.fillText(name, left + 5, RULER + 8);
	}

	/* ---- moving ---- */

	show(from, to, asStep) {
		const { model } = this;
		const span = Math.max(MIN_SPAN, Math.min(to - from, model.to - model.from));
		const first = Math.max(model.from, Math.min(from, model.to - span));

		this.view = {
			from: first,
			to: Math.min(first + span, Math.max(model.to, first + MIN_SPAN)),
		};
		this.drawSoon();
		this.tell(asStep);
	}

	/* Around a moment that stays where it is; the middle, or what is selected. */
	zoomBy(factor, around) {
		const { from, to } = this.view;
		const { selected } = this;
		let at = around;

		if (at === undefined)
			at = selected
				? (selected.lane.from[selected.i] + selected.lane.to[selected.i]) /
					2
				: (from + to) / 2;
		if (at < from || at > to) at = (from + to) / 2;
		this.show(at - (at - from) * factor, at + (to - at) * factor, false);
	}

	moveBy(part) {
		const by = (this.view.to - this.view.from) * part;

		this.show(this.view.from + by, this.view.to + by, false);
	}

	/* With some room on both sides. */
	zoomTo([from, to]) {
		const room = Math.max((to - from) * 0.1, MIN_SPAN / 2);

		this.show(from - room, to + room, true);
	}

	zoomToChosen() {
		const { selected } = this;

		if (this.time.now) this.zoomTo(this.time.now);
		else if (selected)
			this.zoomTo([selected.lane.from[selected.i], selected.lane.to[selected.i]]);
	}

	/* ---- selecting ---- */

	select(piece, isLooked) {
		this.selected = piece;
		this.column = null;
		this.detail.show(piece);
		if (piece) {
			this.bringIntoSight(piece, isLooked);
			this.said.textContent = this.detail.summary(piece).join(', ');
		}
		this.drawSoon();
		this.tell(false);
	}

	/* From elsewhere on the page. */
	lookAt(piece) {
		this.select(piece, true);
		this.panel.focus({ preventScroll: true });
		this.panel.scrollIntoView({ block: 'nearest' });
	}

	bringIntoSight({ lane, i }, isLooked) {
		const row = this.rows[lane.number];
		const { scrollTop } = this.panel;
		const { from, to } = this.view;

		if (row.y < scrollTop) this.panel.scrollTop = row.y;
		else if (row.y + row.h + RULER + 8 > scrollTop + this.room)
			this.panel.scrollTop = row.y + row.h + RULER + 8 - this.room;
		if (lane.to[i] >= from && lane.from[i] <= to) return;
		const span = isLooked ? Math.max(to - from, lane.to[i] - lane.from[i]) : to - from;
		const middle = (lane.from[i] + lane.to[i]) / 2;
		this.show(middle - span / 2, middle + span / 2, false);
	}

	/* ---- search ---- */

	setQuery(query) {
		let problem = '';

		this.query = query;
		this.found = null;
		if (query) {
			try {
				const regex = compileRegex(query);

				this.found = this.model.names.map((name) => regex.test(name));
				this.foundThreads = this.model.threads.map((_, t) =>
					regex.test(this.model.threadName(t)),
				);
			} catch (e) {
				problem = String(e.message).replace(/^.*: /, '');
			}
		}
		this.search.setAttribute('aria-invalid', String(problem !== ''));
		this.matches.textContent = problem
			? `Not a regular expression: ${problem}`
			: this.foundText();
		this.drawSoon();
		this.tell(false);
	}

	isHit(lane, i) {
		let hit = lane.thread >= 0 && lane.title === '' && this.foundThreads[lane.thread];

		lane.eachPart(i, (name) => {
			hit = hit || this.found[name];
		});
		return hit;
	}

	foundText() {
		if (!this.found) return '';
		let n = 0;

		for (const lane of this.model.lanes)
			for (let i = 0; i < lane.n; i++) if (this.isHit(lane, i)) n++;
		return n ? `${formatCount(n)} pieces; Enter goes to the next` : 'No match';
	}

	/* The next one in time in the selected lane, then in the lanes below, and from above again. */
	nextHit(step) {
		if (!this.found) return;
		const { lanes } = this.model;
		const start = this.selected || { lane: lanes[0], i: -step };
		let number = start.lane.number;
		let i = start.i + step;

		for (let tried = 0; tried <= lanes.length; tried++) {
			for (; i >= 0 && i < lanes[number].n; i += step)
				if (this.isHit(lanes[number], i)) {
					this.lookAt({ lane: lanes[number], i });
					return;
				}
			number = (number + step + lanes.length) % lanes.length;
			i = step > 0 ? 0 : lanes[number].n - 1;
		}
	}

	/* ---- pointer ---- */

	listen() {
		const { canvas, panel, search } = this;

		canvas.addEventListener('pointerdown', (e) => this.press(e));
		canvas.addEventListener('pointermove', (e) => this.pointAt(e));
		canvas.addEventListener('pointerup', (e) => this.release(e));
		canvas.addEventListener('pointercancel', () => this.stopDrag());
		canvas.addEventListener('pointerleave', () => this.hover(null));
		canvas.addEventListener('dblclick', () => this.zoomToChosen());
		panel.addEventListener('wheel', (e) => this.wheel(e), { passive: false });
		panel.addEventListener('scroll', () => this.drawSoon());
		panel.addEventListener('keydown', (e) => this.key(e));
		search.addEventListener('input', () => this.setQuery(search.value));
		search.addEventListener('keydown', (e) => this.searchKey(e));
		new ResizeObserver(() => this.resize()).observe(panel);
		for (const query of ['(prefers-color-scheme: dark)', 'print'])
			matchMedia(query).addEventListener('change', () => {
				this.painter.readColors();
				this.draw();
			});
	}

	press(e) {
		const at = this.pointer(e);

		if (e.button !== 0 || at.x < this.gutter || e.pointerType === 'touch') return;
		this.drag = { x: at.x, from: this.timeAt(at.x), range: null };
		this.canvas.setPointerCapture(e.pointerId);
	}

	pointAt(e) {
		const at = this.pointer(e);
		const { drag } = this;

		if (drag && (drag.range || Math.abs(at.x - drag.x) > DRAG)) {
			const to = this.timeAt(at.x);

			drag.range = [Math.min(drag.from, to), Math.max(drag.from, to)];
			this.hover(null);
			this.drawSoon();
			return;
		}
		this.hover(this.pieceAt(at), e);
	}

	release(e) {
		const { drag } = this;
		const range = drag && drag.range;

		this.drag = null;
		if (range && range[1] > range[0]) this.time.choose(range);
		else if (e.button === 0) this.select(this.pieceAt(this.pointer(e)), false);
		this.drawSoon();
	}

	stopDrag() {
		this.drag = null;
		this.drawSoon();
	}

	hover(piece, e) {
		const changed =
			(piece && piece.lane) !== (this.hovered && this.hovered.lane) ||
			(piece && piece.i !== this.hovered.i);

		this.hovered = piece;
		this.tip.hidden = !piece;
		if (changed) this.drawSoon();
		if (!piece) return;
		const [name, ...rest] = this.detail.summary(piece);
		this.tip.replaceChildren(
			html('div', { class: 'name' }, name),
			...rest.map((w) => html('div', {}, w)),
		);
		placeTip(this.tip, e.clientX + 12, e.clientY + 16, e.clientY - 12);
	}

	wheel(e) {
		const at = this.pointer(e);

		if (e.ctrlKey || e.metaKey) this.zoomBy(1.0015 ** e.deltaY, this.timeAt(at.x));
		else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY))
			this.moveBy((e.deltaX || e.deltaY) / this.plotWidth());
		else return;
		e.preventDefault();
	}

	/* ---- keyboard ---- */

	key(e) {
		const action =
			TIMELINE_KEYS[
				e.shiftKey && e.key.startsWith('Arrow') ? `Shift${e.key}` : e.key
			];

		if (!action || e.altKey || e.ctrlKey || e.metaKey) return;
		action(this);
		e.preventDefault();
		e.stopPropagation();
	}

	searchKey(e) {
		if (e.key === 'Enter') this.nextHit(e.shiftKey ? -1 : 1);
		else if (e.key === 'Escape') {
			this.setQuery('');
			this.search.value = '';
			this.panel.focus({ preventScroll: true });
		} else return;
		e.preventDefault();
		e.stopPropagation();
	}

	/* To the neighbour in the lane; at first to the first piece in sight. */
	step(by) {
		const { selected } = this;

		if (!selected) {
			this.selectNear(this.model.lanes[0], this.view.from);
			return;
		}
		const i = selected.i + by;
		if (i >= 0 && i < selected.lane.n) this.select({ lane: selected.lane, i }, false);
	}

	/* To the piece of another lane at the same time: that of the first, on the way through several. */
	stepLane(by) {
		const { selected } = this;
		const next = this.model.lanes[selected ? selected.lane.number + by : 0];
		const time =
			this.column === null && selected
				? selected.lane.from[selected.i]
				: this.column;

		if (!next) return;
		this.selectNear(next, time === null ? this.view.from : time);
		this.column = time;
	}

	selectNear(lane, time) {
		const i = Math.min(lane.firstAfter(time), lane.n - 1);

		if (i >= 0) this.select({ lane, i }, false);
	}

	chooseSelected() {
		const { selected } = this;

		if (!selected) return;
		const from = selected.lane.from[selected.i];
		this.time.choose([from, Math.max(selected.lane.to[selected.i], from + 1)]);
	}

	/* A window's end at what is selected, the other one where it was. */
	chooseEnd(which) {
		const { selected, model } = this;

		if (!selected) return;
		const range = [...(this.time.now || [model.from, model.to])];
		range[which] = (which ? selected.lane.to : selected.lane.from)[selected.i];
		if (range[1] > range[0]) this.time.choose(range);
	}

	escape() {
		if (this.host.querySelector('.help')) this.toggleHelp();
		else if (this.selected) this.select(null);
		else if (this.time.now || this.time.base) this.time.reset();
		else this.show(this.model.from, this.model.to, true);
	}

	toggleHelp() {
		toggleHelp(this.host, this.help, TIMELINE_HELP, TIMELINE_ABOUT);
	}

	/* ---- links ---- */

	/* The address follows, but not while it is read. */
	tell(asStep) {
		if (!this.isReading) this.onchange(asStep);
	}

	writeLink() {
		const { view, model, selected } = this;
		const words = [];

		if (view.from !== model.from || view.to !== model.to)
			words.push(`${Math.round(view.from)}-${Math.round(view.to)}`);
		if (selected) words.push(`${selected.lane.number}.${selected.i}`);
		return words.join('~');
	}

	readLink(text) {
		const { model } = this;
		const view = /(\d+)-(\d+)/.exec(text);
		const piece = /(\d+)\.(\d+)/.exec(text);
		const lane = piece && model.lanes[piece[1]];

		this.isReading = true;
		this.show(
			view ? Number(view[1]) : model.from,
			view ? Number(view[2]) : model.to,
			false,
		);
		this.select(
			lane && piece[2] < lane.n ? { lane, i: Number(piece[2]) } : null,
			false,
		);
		this.isReading = false;
	}
}

const TIMELINE_KEYS = {
	ArrowLeft: (t) => t.step(-1),
	ArrowRight: (t) => t.step(1),
	ArrowUp: (t) => t.stepLane(-1),
	ArrowDown: (t) => t.stepLane(1),
	ShiftArrowLeft: (t) => t.moveBy(-0.25),
	ShiftArrowRight: (t) => t.moveBy(0.25),
	Home: (t) =>
		t.selectNear(t.selected ? t.selected.lane : t.model.lanes[0], t.model.from - 1),
	End: (t) => t.selectNear(t.selected ? t.selected.lane : t.model.lanes[0], t.model.to),
	'+': (t) => t.zoomBy(0.5),
	'=': (t) => t.zoomBy(0.5),
	'-': (t) => t.zoomBy(2),
	0: (t) => t.show(t.model.from, t.model.to, true),
	z: (t) => t.zoomToChosen(),
	Enter: (t) => t.chooseSelected(),
	'[': (t) => t.chooseEnd(0),
	']': (t) => t.chooseEnd(1),
	c: (t) => t.time.now && !t.time.base && t.time.keepAsBase(),
	'/': (t) => t.search.focus(),
	n: (t) => t.nextHit(1),
	N: (t) => t.nextHit(-1),
	'?': (t) => t.toggleHelp(),
	Escape: (t) => t.escape(),
};

const TIMELINE_HELP = [
	['Drag', 'choose a window of time: everything below shows it'],
	['Click', 'select a piece: its stack, and what it waited for'],
	['Ctrl and wheel, +, −', 'zoom; Shift and wheel, or Shift and arrows, move'],
	['Arrow keys', 'to the next piece of a lane, and to the next lane'],
	['Home, End', 'the first and the last piece of a lane'],
	['Enter', 'the selected piece’s time becomes the window; [ and ] set one of its ends'],
	['z, double click', 'zoom to the window, or to the selected piece'],
	['0', 'show all of the time'],
	['c', 'keep the window, and choose another to compare it with'],
	['/, n, N', 'search; the next and the one before'],
	['Esc', 'give up the selection, then the window, then the zoom'],
];
const TIMELINE_ABOUT =
	'A thread’s lane shows running as full height, waiting for a CPU lower, uninterruptible waits ' +
	'half as high, sleep as a thin line; below it what took it time: system calls, page faults. ' +
	'Where pieces are too small to be seen, or were put together to keep the page small, a column ' +
	'shows what they are made of, as high as their share of the time.';

/* How ticks a step apart are written: all in the same unit. */
function tickText(step, to) {
	const [, unit, name] =
		to >= 1e9 && step >= 1e6
			? [0, 1e9, 's']
			: step >= 1e3 && to >= 1e6
				? [0, 1e6, 'ms']
				: step >= 1 && to >= 1e3
					? [0, 1e3, 'µs']
					: [0, 1, 'ns'];
	let decimals = 0;

	while (decimals < 6 && Math.round(step * 10 ** decimals) % unit !== 0) decimals++;
	return (t) => `${(t / unit).toFixed(decimals)} ${name}`;
}
